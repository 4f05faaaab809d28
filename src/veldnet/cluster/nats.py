"""The bus over NATS core.

All subjects begin with the name of the cluster, so that several share a NATS: `veldnet.CLUSTER.to.NODE` takes
messages to one node, `.all` those to all, `.ask.NODE` requests; behind it stand the sender and what it is
about. A message that cannot be sent at once is dropped: a frame that comes later than its receive windows is
worth nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import structlog

from veldnet.supervision import Supervisor

from .bus import AnsweringHandler, BusCounts, BusError, Handler, Handlers, NodeAway, NotThere, RequestRefused
from .nats_access import NatsAccess, place

try:
    from nats import errors
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
except ModuleNotFoundError:
    raise BusError("cluster.nats needs the NATS client: pip install 'veldnet[cluster]'") from None

log = structlog.get_logger(__name__)

_CONNECT_TIMEOUT = 2
_ATTEMPTS = 3
# Seconds after which a connection that says nothing is tried, and how often before it is given up.
_PING_EVERY, _PINGS = 2, 2
_RECONNECT_AFTER = 0.5
# Octets that wait to be sent, and that wait to be handled.
_MOST_WAITING = 8_000_000
_MOST_UNHANDLED = 32_000_000
# Seconds for which a message is kept that may come back, and how many are.
_RETURNS_WITHIN, _MOST_KEPT = 2.0, 5_000
_WARN_EVERY = 10.0
_STOP_WITHIN = 2.0
_CLOSE_WITHIN = 0.5
_DONE, _REFUSED = b"+", b"-"


class _Kept(NamedTuple):
    """A message that may come back."""

    until: float
    node: str
    subject: str
    payload: bytes


class _Outgoing(NamedTuple):
    """A message that waits to be sent. `reply` is where NATS says that nobody receives it."""

    whole: str
    subject: str
    payload: bytes
    reply: str


class _Client(Client):
    """A client that sends what it is recognised by to no server without TLS where TLS is wanted."""

    def __init__(self, wants_tls: bool) -> None:
        super().__init__()
        self.wants_tls = wants_tls
        self.subscribed: list[Subscription] = []

    def _connect_command(self) -> bytes:
        if self.wants_tls and not self._server_info.get("tls_required"):
            raise errors.SecureConnWantedError
        return super()._connect_command()

    async def settle(self) -> None:
        """Wait until the server has taken what was given."""
        # The ping of a flush overtakes what was given just before; that of the next one comes behind it.
        await self.flush()
        await self.flush()

    async def leave(self) -> None:
        """Let the server know that nobody is here any more before the connection ends."""
        with suppress(OSError, errors.Error, TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                for subscribed in self.subscribed:
                    await subscribed.unsubscribe()
                await self.settle()
        await self.end()

    async def end(self) -> None:
        # After a failed handshake of TLS the client never ends waiting.
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN):
                await self.close()


class NatsBus:
    """A `Bus` by a connection to NATS, which is made again whenever it ends."""

    def __init__(self, access: NatsAccess, supervisor: Supervisor) -> None:
        access.check()
        self.node = access.node
        self._access = access
        self._supervisor = supervisor
        self._handlers = Handlers(supervisor)
        self._prefix = f"veldnet.{access.cluster}"
        self._places = ", ".join(place(server) for server in access.servers())
        self._client: _Client | None = None
        self._error: Exception | None = None
        self._refused: str | None = None
        self._ended = asyncio.Event()
        self._stopping = False
        self._out: deque[_Outgoing] = deque()
        self._out_size = 0
        self._to_send = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._warned: dict[str, float] = {}
        self._kept: dict[int, _Kept] = {}
        self._last = 0

    @property
    def counts(self) -> BusCounts:
        return self._handlers.counts

    @property
    def problem(self) -> str | None:
        if self._connected is None:
            return f"NATS at {self._places} is not reached: {_words(self._error)}"
        return self._refused

    @property
    def _connected(self) -> _Client | None:
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
        self._tasks = [
            self._supervisor.keep("NATS connection", self._keep_connected),
            self._supervisor.keep("messages to NATS", self._write),
        ]

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
        client = _Client(self._access.encrypted)
        self._error = self._refused = None
        self._ended.clear()
        try:
            await self._open(client)
        except (OSError, errors.Error, TimeoutError):
            await client.end()
            raise
        self._client = client

    async def _open(self, client: _Client) -> None:
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
            subscribed = await client.subscribe(subject, cb=handler, pending_bytes_limit=_MOST_UNHANDLED)
            client.subscribed.append(subscribed)
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
        if isinstance(error, errors.SlowConsumerError):
            self._dropped(error.subject.rsplit(".", 1)[-1], "nats_slow_consumer")
            return
        words = _words(error)
        if "permissions violation" in words.lower():
            self._refused = f"NATS refuses this node: {words}; it needs {self._prefix}.>"
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
        # The client swallows a cancellation now and then, so that tasks end by themselves.
        self._stopping = True
        self._to_send.set()
        self._ended.set()
        if self._tasks:
            _done, left = await asyncio.wait(self._tasks, timeout=_STOP_WITHIN)
            for task in left:
                task.cancel()
        self._handlers.close()
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
        now, kept = time.monotonic(), self._kept
        for number in list(islice(kept, 8)):
            if kept[number].until > now and len(kept) < _MOST_KEPT:
                break
            del kept[number]
        kept[self._last] = message

    async def _returned(self, message: Msg) -> None:
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
        elif self._out_size + len(payload) > _MOST_WAITING:
            self._dropped(subject, "nats_too_slow")
        else:
            self.counts.sent[subject] += 1
            self._out.append(_Outgoing(whole, subject, payload, reply))
            self._out_size += len(payload)
            self._to_send.set()
            return True
        return False

    async def _write(self) -> None:
        while not self._stopping:
            await self._to_send.wait()
            self._to_send.clear()
            await self._send_all()

    async def _send_all(self) -> None:
        while self._out:
            whole, subject, payload, reply = self._out.popleft()
            self._out_size -= len(payload)
            client = self._connected
            try:
                if client is None:
                    raise errors.ConnectionClosedError
                await client.publish(whole, payload, reply)
            except (OSError, errors.Error):
                self._dropped(subject, "nats_message_dropped")

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

    async def _received(self, message: Msg) -> None:
        *_target, node, subject = message.subject.split(".")
        self._handlers.received(node, subject, message.data)

    async def _requested(self, message: Msg) -> None:
        *_target, node, subject = message.subject.split(".")
        self._handlers.requested(node, subject, message.data, self._replier(message.reply, subject))

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
