"""A connection to a broker, whatever it speaks: made again and again, never waited for by anything else."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import structlog

from veldnet.domain.flows import TOPICS, downlink_topics, fill
from veldnet.outgoing import (
    Address,
    AddressRefused,
    ConnectionFailed,
    NamedContext,
    NameNotFound,
    client_context,
    keep,
    words_of,
)
from veldnet.texts import Text

from .interface import Condition, Surroundings
from .kind import Kind
from .model import Connection, Incoming, Outcome, Outgoing
from .turns import Turn, Turns

log = structlog.get_logger(__name__)

TASK = "connections"
# Seconds after which a connection that has not ended is told so once more, and by which its first session may
# be late.
_AGAIN = 1.0
# Messages that are longer than any downlink are not read.
LONGEST_DOWNLINK = 65_536
_DEV_EUI = re.compile("[0-9A-F]{16}")


# Seconds after which a connection that the other side ends, because nothing went over it, has worked.
_WORKED = 20.0


class EndedIdle(ConnectionFailed):
    """The other side has ended the connection because nothing went over it."""


class KeptConnection(ABC):
    """What the types that hold a connection have in common: each has a `session` and a way to `send`."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        self.condition = Condition(around.clock)
        self.connection, self.around = connection, around
        settings = connection.settings
        self.topic = settings.topic or TOPICS[settings.dialect]
        self.downlink_topics = downlink_topics(settings)
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        # Of the next session, once that is up.
        self._again = asyncio.Event()
        # Whether it is known how the first session began.
        self._tried = asyncio.Event()
        # Whether there was a connection in the session under way, and since when.
        self._was_up, self._up_since = False, 0.0
        self._turns = Turns()
        # Whether a message had no answer, and none had one since.
        self._silent = False

    def start(self) -> None:
        if self._task is None:
            self._task = self.around.supervisor.keep(TASK, self._run)

    async def close(self) -> None:
        # Some clients swallow it when they are cancelled just then.
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_AGAIN)

    # What each type does by itself.

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Its type."""

    @abstractmethod
    async def session(self, address: Address, hosts: list[str]) -> None:
        """One connection from its beginning to its end: calls `up` once it can be used. `hosts` are the IP
        addresses that may be connected to. Raises where it fails; `ConnectionFailed` says why."""

    @abstractmethod
    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        """Deliver a message over the connection that there is. Raises `ConnectionFailed` and `OSError`."""

    def topic_of(self, values: Mapping[str, str]) -> str:
        """Where a message goes, as the broker calls it."""
        return fill(self.topic, values)

    # The connection.

    async def _run(self) -> None:
        await keep(self._session, self.around.pauses)

    async def _session(self) -> bool:
        self._was_up, quiet = False, False
        try:
            # Loading one takes as long as many frames do.
            await asyncio.to_thread(self.kind.need_library)
            address = self.kind.parse(self.connection.settings.address)
            await self.session(address, await self.around.resolver.addresses(address))
        except (OSError, ValueError, ConnectionFailed, AddressRefused, NameNotFound) as error:
            why = words_of(error)
            # It is made again without a word, and what is sent meanwhile waits for that.
            quiet = isinstance(error, EndedIdle) and self._has_worked()
            if not quiet:
                self.condition.fails(why)
            log.info("connection_failed", connection=self.connection.ref, error=why)
        finally:
            self._up.clear()
            if quiet:
                self._tried.clear()
            else:
                self._tried.set()
        return self._was_up

    def _has_worked(self) -> bool:
        return self._was_up and asyncio.get_running_loop().time() - self._up_since >= _WORKED

    def up(self) -> None:
        """The connection can be used."""
        self._was_up, self._up_since = True, asyncio.get_running_loop().time()
        if not self._silent:
            self.condition.works()
        self._up.set()
        self._tried.set()
        self._again.set()
        self._again = asyncio.Event()
        self.around.ready(self.connection.ref)
        log.info("connection_made", connection=self.connection.ref)

    def down(self) -> None:
        """The connection cannot be used any more, though closing what is left of it may take a while."""
        self._up.clear()

    def tls(self, address: Address) -> NamedContext:
        settings = self.connection.settings
        key = self.connection.secrets.client_key
        return client_context(address.host, settings.ca_certificate, settings.client_certificate, key)

    # Messages.

    async def deliver(self, message: Outgoing) -> Outcome:
        topic = self.topic_of(message.values)
        where = f"{self.connection.settings.address} {topic}"[:300]
        if not await self._connected():
            return self._away(where)
        turn, again = self._turns.turn(message.id), self._again
        try:
            async with asyncio.timeout(self.around.total_timeout), turn:
                # It may have ended meanwhile.
                outcome = await self.send(message, topic, where) if self._up.is_set() else self._away(where)
        except TimeoutError:
            return self._unacknowledged(turn, where)
        except (ConnectionFailed, OSError) as error:
            turn.failed()
            # Where it does not come back, the message is not why.
            if turn.alone and await self._comes(again):
                words = Text(
                    "the other side ends the connection at this message ({why})", why=words_of(error)
                )
                return Outcome(False, "Error", words, where, refusal="message")
            return Outcome(False, "Error", words_of(error), where)
        # A connection over which nothing goes does not work, though there is one.
        if outcome.delivered:
            self._silent = False
            self.condition.works()
        elif outcome.refusal == "message":
            self.condition.fails(outcome.error or outcome.status)
        if outcome.delivered or outcome.refusal is not None:
            turn.answered()
        return outcome

    def _away(self, where: str) -> Outcome:
        silent = Text("the other side does not answer")
        return Outcome(False, "Error", self.condition.reason or silent, where)

    def _unacknowledged(self, turn: Turn, where: str) -> Outcome:
        """What becomes of a message without an answer."""
        words = Text("the other side does not acknowledge the message")
        if not turn.began:
            return Outcome(False, "Timeout", self.condition.reason or words, where)
        turn.failed()
        self._silent = True
        self.condition.fails(words)
        self.give_up(words)
        return Outcome(False, "Timeout", words, where, refusal="message" if turn.alone else None)

    async def _comes(self, again: asyncio.Event) -> bool:
        """Whether there is another connection soon."""
        latest = self.around.pauses.soonest * 2 + self.around.connect_timeout
        try:
            async with asyncio.timeout(latest):
                await again.wait()
        except TimeoutError:
            return False
        return True

    def give_up(self, why: str) -> None:
        """A message has no answer: types whose connection is of no use then end the session."""
        log.info("connection_silent", connection=self.connection.ref, error=why)

    async def _connected(self) -> bool:
        """Whether it is connected; waits for it, unless it has failed already."""
        if not self._up.is_set() and self.condition.status != "ERROR":
            try:
                # A session that fails for that time says so first.
                async with asyncio.timeout(self.around.connect_timeout + _AGAIN):
                    await self._tried.wait()
            except TimeoutError:
                return False
        return self._up.is_set()

    def took(self, topic: str, body: bytes, done: Callable[[], None]) -> None:
        """A message has come; `done` acknowledges it."""
        self.condition.took()
        self.around.received(Incoming(self.connection, topic, body, done))

    def took_for(self, key: str, body: bytes, done: Callable[[], None]) -> None:
        """A message has come that names its device by a key, not by a topic."""
        dev_eui = key.upper()
        if _DEV_EUI.fullmatch(dev_eui) is None or not body or len(body) > LONGEST_DOWNLINK:
            done()
            return
        values = {"DevEUI": dev_eui, "devEui": dev_eui.lower(), "deviceId": f"eui-{dev_eui.lower()}"}
        self.took(fill(self.downlink_topics[0], {**self.connection.known, **values}), body, done)
