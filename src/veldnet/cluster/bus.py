"""The wire between the nodes of a cluster: short messages, and requests with a reply.

A bus may lose, delay, repeat and reorder messages: a lost one is a lost radio frame, which LoRaWAN survives.
What must not be lost is in the database.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from veldnet.supervision import Supervisor

Handler = Callable[[str, bytes], None]
AnsweringHandler = Callable[[str, bytes], Awaitable[bytes]]

# Names of clusters and nodes are part of subjects.
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
TASK = "messages between nodes"


class BusError(Exception):
    """The bus cannot be used as it is set up."""


class NodeAway(Exception):
    """A node is not there, or does not answer in time."""


class NotThere(NodeAway):
    """A node is not there: it has not got the request."""


class RequestRefused(Exception):
    """A node could not answer a request; its words say why."""


class BusCounts:
    """Messages by subject: sent, received, dropped for want of a connection or of room, and come back from a
    node that is not there."""

    __slots__ = ("dropped", "received", "returned", "sent")

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.returned: Counter[str] = Counter()


class Bus(Protocol):
    """Messages to and from the other nodes. Nothing here blocks its caller but `request`. Handlers are set
    before the start; what they raise is reported, and ends nothing."""

    @property
    def node(self) -> str:
        """The name of this node."""

    @property
    def counts(self) -> BusCounts: ...

    @property
    def problem(self) -> str | None:
        """Why messages do not come through, in words."""

    def send(self, node: str, subject: str, payload: bytes) -> None:
        """Send to one node."""

    def announce(self, subject: str, payload: bytes) -> None:
        """Send to all other nodes."""

    async def request(self, node: str, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109
        """Ask one node. Raises `NodeAway` or `RequestRefused`."""

    def on(self, subject: str, handler: Handler) -> None:
        """Have messages handled: with the node that sent one, and its payload."""

    def on_return(self, subject: str, handler: Handler) -> None:
        """Have messages to a node handled, by its name, that turn out not to have reached it: it is not
        there, or nothing can be sent just now. Not all that are lost come back."""

    def on_connected(self, listener: Callable[[], None]) -> None:
        """Have somebody called whenever messages go again after they did not."""

    def answer(self, subject: str, handler: AnsweringHandler) -> None:
        """Have requests answered. What the handler raises refuses the request; `RequestRefused` says why."""

    async def start(self) -> None:
        """Begin to receive. Raises `BusError` where the bus cannot be reached as set up."""

    async def stop(self) -> None:
        """Send what was given, then leave."""


class Handlers:
    """What a node does with messages, by subject."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.counts = BusCounts()
        self._supervisor = supervisor
        self._handlers: dict[str, Handler] = {}
        self._returning: dict[str, Handler] = {}
        self._listeners: list[Callable[[], None]] = []
        self._answering: dict[str, AnsweringHandler] = {}
        self._requests: set[asyncio.Task[None]] = set()

    def on(self, subject: str, handler: Handler) -> None:
        self._handlers[subject] = handler

    def answer(self, subject: str, handler: AnsweringHandler) -> None:
        self._answering[subject] = handler

    def on_return(self, subject: str, handler: Handler) -> None:
        self._returning[subject] = handler

    def on_connected(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def connected(self) -> None:
        for listener in self._listeners:
            self._supervisor.guard(TASK, listener)

    def returns(self, subject: str) -> bool:
        """Whether somebody wants back what does not arrive."""
        return subject in self._returning

    def returned(self, node: str, subject: str, payload: bytes) -> None:
        """Take back a message that has not reached its node."""
        self.counts.returned[subject] += 1
        handler = self._returning.get(subject)
        if handler is not None:
            self._supervisor.guard(TASK, handler, node, payload)

    def received(self, node: str, subject: str, payload: bytes) -> None:
        """Take a message; one that nobody handles is of another version of this program."""
        self.counts.received[subject] += 1
        handler = self._handlers.get(subject)
        if handler is not None:
            self._supervisor.guard(TASK, handler, node, payload)

    def requested(
        self, node: str, subject: str, payload: bytes, reply: Callable[[bool, bytes], None]
    ) -> None:
        """Take a request; `reply` is told whether it was answered, and the answer or why not."""
        self.counts.received[subject] += 1
        work = self._answer(node, subject, payload, reply)
        task = self._supervisor.start(TASK, work)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _answer(
        self, node: str, subject: str, payload: bytes, reply: Callable[[bool, bytes], None]
    ) -> None:
        handler = self._answering.get(subject)
        if handler is None:
            reply(False, f"this node answers no requests of {subject}".encode())
            return
        try:
            answer = await handler(node, payload)
        except RequestRefused as refused:
            reply(False, str(refused).encode())
        except Exception as error:
            # Not its text: that may hold what is none of the other node's business.
            reply(False, type(error).__name__.encode())
            raise
        else:
            reply(True, answer)

    def close(self) -> None:
        """Answer nothing any more."""
        for task in self._requests:
            task.cancel()
