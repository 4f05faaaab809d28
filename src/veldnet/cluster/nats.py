"""The bus over NATS core.

All subjects begin with the name of the cluster and its database, so that several share a NATS, also where
nobody has named them: `veldnet.CLUSTER.DATABASE.to.NODE` takes messages to one node, `.all` those to all,
`.ask.NODE` requests; behind it stand the sender and what it is about. A message that cannot be sent at once
is dropped: a frame that comes later than its receive windows is worth nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import NamedTuple

import structlog

from veldnet.supervision import Supervisor
from veldnet.texts import Text

from .bus import (
    TASK,
    AnsweringHandler,
    BusCounts,
    BusError,
    Handler,
    Handlers,
    NodeAway,
    NotThere,
    RequestRefused,
)
from .nats_access import NatsAccess, place

try:
    from nats import errors

    from .nats_client import Message, NatsClient
except ModuleNotFoundError:
    raise BusError("cluster.nats needs the NATS client: pip install 'veldnet[cluster]'") from None

log = structlog.get_logger(__name__)

_CONNECT_TIMEOUT = 2
_ATTEMPTS = 3
# Seconds after which a connection that says nothing is tried, and how often before it is given up.
_PING_EVERY, _PINGS = 2, 2
_RECONNECT_AFTER = 0.5
# Octets that wait to be sent.
_MOST_WAITING = 8_000_000
# Seconds for which a message is kept that may come back, and how many are.
_RETURNS_WITHIN, _MOST_KEPT = 2.0, 5_000
_WARN_EVERY = 10.0
_STOP_WITHIN = 2.0
_DONE, _REFUSED = b"+", b"-"


class _Kept(NamedTuple):
    """A message that may come back."""

    until: float
    node: str
    subject: str
    payload: bytes


class _Outgoing(NamedTuple):
    """A message that waits for the end of this turn of the loop. `reply` is where NATS says that nobody
    receives it."""

    whole: str
    subject: str
    payload: bytes
    reply: str

    def command(self) -> bytes:
        return b"PUB %s %s %d\r\n%s\r\n" % (
            self.whole.encode(),
            self.reply.encode(),
            len(self.payload),
            self.payload,
        )


class NatsBus:
    """A `Bus` by a connection to NATS, which is made again whenever it ends."""

    def __init__(self, access: NatsAccess, supervisor: Supervisor) -> None:
        access.check()
        self.node = access.node
        self._access = access
        self._supervisor = supervisor
        self._handlers = Handlers(supervisor)
        self._cluster = access.cluster
        self._prefix = ".".join(filter(None, ("veldnet", access.cluster, access.database)))
        self._places = ", ".join(place(server) for server in access.servers())
        self._client: NatsClient | None = None
        self._error: Exception | None = None
        self._refused: str | None = None
        self._ended = asyncio.Event()
        self._stopping = False
        self._out: list[_Outgoing] = []
        self._out_size = 0
        self._task: asyncio.Task[None] | None = None
        self._warned: dict[str, float] = {}
        self._kept: dict[int, _Kept] = {}
        self._last = 0

    @property
    def counts(self) -> BusCounts:
        return self._handlers.counts

    @property
    def problem(self) -> str | None:
        if self._connected is None:
            return Text(
                "NATS at {places} is not reached: {error}", places=self._places, error=_words(self._error)
            )
        return self._refused

    @property
    def _connected(self) -> NatsClient | None:
        client = self._client
        return client if client is not None and client.is_connected else None

    def on(self, subject: str, handler: Handler) -> None:
        self._handlers.on(subject, handler)

    def answer(self, subject: str, handler: AnsweringHandler) -> None:
        self._handlers.answer(subject, handler)

    def on_return(self, subject: str, handler: Handler) -> None:
        self._handlers.on_return(subject, handler)

    def on_connected(self, listener: Callable[[], None]) -> None:
        self._handlers.on_connected(listener)

    # The connection.

    async def start(self) -> None:
        for server in self._access.open_to_everybody():
            log.warning("nats_without_authentication", server=server)
        try:
            await self._connect_first()
        except (OSError, errors.Error, TimeoutError) as error:
            raise BusError(
                f"cluster.nats: NATS at {self._places} is not reached: {_words(self._error or error)}"
            ) from None
        if self._access.proves_itself and self._client is not None and not self._client.asks_who_it_is:
            # Whoever has set a password believes that others are kept out.
            log.warning("nats_asks_for_no_password", server=self._places)
        self._task = self._supervisor.keep("NATS connection", self._keep_connected)

    async def _connect_first(self) -> None:
        """Connect, or hear why not: a server that refuses may hang up before its words are read."""
        for _attempt in range(_ATTEMPTS):
            try:
                await self._connect()
            except ConnectionResetError:
                continue
            return
        await self._connect()

    async def _connect(self) -> None:
        client = NatsClient(self._access.encrypted)
        self._error = self._refused = None
        self._ended.clear()
        try:
            await self._open(client)
        except (OSError, errors.Error, TimeoutError):
            await client.end()
            raise
        self._client = client

    async def _open(self, client: NatsClient) -> None:
        await client.connect(
            [server.geturl() for server in self._access.servers()],
            name=f"veldnet {self.node}",
            error_cb=self._failed,
            closed_cb=self._closed,
            allow_reconnect=False,
            connect_timeout=_CONNECT_TIMEOUT,
            reconnect_time_wait=0,
            max_reconnect_attempts=1,
            ping_interval=_PING_EVERY,
            max_outstanding_pings=_PINGS,
            no_echo=True,
            inbox_prefix=f"{self._prefix}.inbox",
            **self._access.options(),
        )
        for subject, handler in (
            (f"{self._prefix}.to.{self.node}.>", self._received),
            (f"{self._prefix}.all.>", self._received),
            (f"{self._prefix}.ask.{self.node}.>", self._requested),
            (f"{self._prefix}.back.{self.node}.*", self._returned),
        ):
            await client.hear(subject, partial(self._supervisor.guard, TASK, handler))
        await client.settle()

    async def _closed(self) -> None:
        self._ended.set()

    async def _keep_connected(self) -> None:
        while True:
            await self._ended.wait()
            if self._stopping:
                return
            if self._client is not None:
                log.error("nats_connection_lost", server=self._places, error=_words(self._error))
                self._client = None
            await asyncio.sleep(_RECONNECT_AFTER)
            try:
                await self._connect()
            except (OSError, errors.Error, TimeoutError, BusError) as error:
                self._error = self._error or error
                self._ended.set()
            else:
                log.info("nats_connected_again", server=self._places)
                self._handlers.connected()

    async def _failed(self, error: Exception) -> None:
        """Hear of what the client meets."""
        words = _words(error)
        if "permissions violation" in words.lower():
            self._refused = Text(
                "NATS refuses this node: {words}; it needs {prefix}.>",
                words=words,
                prefix=f"veldnet.{self._cluster}",
            )
        else:
            self._error = error
        if self._connected is not None:
            self._warn("nats_error", error=words)

    def _warn(self, event: str, **values: str) -> None:
        now = time.monotonic()
        if now - self._warned.get(event, float("-inf")) >= _WARN_EVERY:
            self._warned[event] = now
            log.error(event, **values)

    def _dropped(self, subject: str, why: str) -> None:
        self.counts.dropped[subject] += 1
        self._warn(why, subject=subject)

    async def stop(self) -> None:
        # The client swallows a cancellation now and then, so that the task ends by itself.
        self._stopping = True
        self._ended.set()
        if self._task is not None:
            _done, left = await asyncio.wait([self._task], timeout=_STOP_WITHIN)
            for task in left:
                task.cancel()
        self._handlers.close()
        self._send_all()
        client, self._client = self._client, None
        if client is not None:
            await client.leave()

    # Messages.

    def send(self, node: str, subject: str, payload: bytes) -> None:
        if not self._handlers.returns(subject):
            self._put(f"{self._prefix}.to.{node}.{self.node}.{subject}", subject, payload)
            return
        self._last += 1
        reply = f"{self._prefix}.back.{self.node}.{self._last}"
        if self._put(f"{self._prefix}.to.{node}.{self.node}.{subject}", subject, payload, reply):
            self._keep(_Kept(time.monotonic() + _RETURNS_WITHIN, node, subject, payload))
        else:
            asyncio.get_running_loop().call_soon(self._handlers.returned, node, subject, payload)

    def _keep(self, message: _Kept) -> None:
        """Keep a message until it can no longer come back. The oldest are dropped, a few at a time."""
        now, kept = time.monotonic(), self._kept
        for number in list(islice(kept, 8)):
            if kept[number].until > now and len(kept) < _MOST_KEPT:
                break
            del kept[number]
        kept[self._last] = message

    def _returned(self, message: Message) -> None:
        """NATS says that nobody receives what was sent."""
        number = message.subject.rsplit(".", 1)[-1]
        kept = self._kept.pop(int(number), None) if number.isdecimal() else None
        if kept is not None and kept.until > time.monotonic():
            self._handlers.returned(kept.node, kept.subject, kept.payload)

    def announce(self, subject: str, payload: bytes) -> None:
        self._put(f"{self._prefix}.all.{self.node}.{subject}", subject, payload)

    def _put(self, whole: str, subject: str, payload: bytes, reply: str = "") -> bool:
        """Whether it will be sent, unless the connection ends before."""
        client = self._connected
        if client is None:
            self._dropped(subject, "nats_message_dropped")
        elif len(payload) > client.max_payload:
            self._dropped(subject, "nats_message_too_large")
        elif client.unsent + self._out_size + len(payload) > _MOST_WAITING:
            self._dropped(subject, "nats_too_slow")
        else:
            if not self._out:
                asyncio.get_running_loop().call_soon(self._send_all)
            self.counts.sent[subject] += 1
            self._out.append(_Outgoing(whole, subject, payload, reply))
            self._out_size += len(payload)
            return True
        return False

    def _send_all(self) -> None:
        """Send what has come within a turn of the loop, in one piece."""
        messages, self._out = self._out, []
        self._out_size = 0
        client = self._connected
        try:
            if client is None:
                raise ConnectionResetError
            if messages:
                client.put(b"".join(message.command() for message in messages))
        except (OSError, RuntimeError):
            for message in messages:
                self._dropped(message.subject, "nats_message_dropped")

    async def request(self, node: str, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109
        client = self._connected
        if client is None:
            raise NotThere(f"node {node} cannot be asked: {self.problem}")
        if len(payload) > client.max_payload:
            raise RequestRefused(f"the request has {len(payload)} octets, more than NATS takes")
        self.counts.sent[subject] += 1
        whole = f"{self._prefix}.ask.{node}.{self.node}.{subject}"
        try:
            answer = (await client.request(whole, payload, timeout)).data
        except errors.NoRespondersError:
            raise NotThere(f"node {node} is not there") from None
        except TimeoutError:
            raise NodeAway(f"node {node} did not answer within {timeout:g} s") from None
        except (OSError, errors.Error) as error:
            raise NodeAway(f"node {node} cannot be asked: {_words(error)}") from None
        if answer[:1] != _DONE:
            raise RequestRefused(answer[1:].decode("utf-8", "replace"))
        return answer[1:]

    def _received(self, message: Message) -> None:
        *_target, node, subject = message.subject.split(".")
        self._handlers.received(node, subject, message.payload)

    def _requested(self, message: Message) -> None:
        *_target, node, subject = message.subject.split(".")
        self._handlers.requested(node, subject, message.payload, self._replier(message.reply, subject))

    def _replier(self, inbox: str, subject: str) -> Callable[[bool, bytes], None]:
        def reply(done: bool, answer: bytes) -> None:
            client = self._connected
            if client is not None and len(answer) >= client.max_payload:
                done, answer = False, f"the answer has {len(answer)} octets, more than NATS takes".encode()
            if inbox:
                self._put(inbox, subject, (_DONE if done else _REFUSED) + answer)

        return reply


def _words(error: BaseException | None) -> str:
    """An error in words, without the name of the library."""
    if error is None:
        return "the connection was closed"
    words = str(error).removeprefix("nats: ").strip("'") or type(error).__name__
    if isinstance(error, ConnectionResetError):
        # It may hang up so that what it has said before is lost.
        return "it ended the connection; it may refuse the user, token or key"
    return "it does not answer" if isinstance(error, TimeoutError) else words
