"""Several buses in one process: for one node, for tests, and for simulations, which decide what becomes of
each message and own the clock."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from veldnet.supervision import Supervisor

from .bus import AnsweringHandler, BusCounts, Handler, Handlers, NodeAway, NotThere, RequestRefused

# Source, target and subject of a message: after how many seconds it arrives, once for each copy.
Travel = Callable[[str, str, str], Sequence[float]]


def prompt(_source: str, _target: str, _subject: str) -> Sequence[float]:
    """A wire on which every message arrives at once."""
    return (0.0,)


class BadWire:
    """A wire that loses and repeats messages by chance, and delays each by so many seconds at most, so that
    they overtake each other. Shares of 1."""

    def __init__(self, rng: random.Random, *, loss: float = 0.0, repeat: float = 0.0, delay: float = 0.0):
        self._rng = rng
        self.loss, self.repeat, self.delay = loss, repeat, delay

    def __call__(self, _source: str, _target: str, _subject: str) -> Sequence[float]:
        rng = self._rng
        if rng.random() < self.loss:
            return ()
        copies = 2 if rng.random() < self.repeat else 1
        return [rng.random() * self.delay for _ in range(copies)]


class Wire:
    """What the buses hang on. `travel` may be changed at any time."""

    def __init__(self, travel: Travel = prompt) -> None:
        self.travel = travel
        self._buses: dict[str, InProcessBus] = {}
        self._groups: dict[str, int] = {}
        self._held: dict[str, deque[Callable[[], None]]] = {}

    def bus(self, node: str, supervisor: Supervisor) -> InProcessBus:
        """The bus of a node, which takes part from its start to its end."""
        return InProcessBus(self, node, supervisor)

    def split(self, *groups: Iterable[str]) -> None:
        """Let nodes of different groups not hear each other; what is under way between them is lost. Nodes of
        no group hear all."""
        self._groups = {node: number for number, group in enumerate(groups) for node in group}

    def heal(self) -> None:
        """Let all nodes hear each other again."""
        self._groups = {}

    def hold(self, node: str) -> None:
        """Keep what arrives at a node that stands still."""
        self._held.setdefault(node, deque())

    def release(self, node: str) -> None:
        """Let a node go on: what has arrived meanwhile is received now."""
        for arrive in self._held.pop(node, ()):
            arrive()

    # For the buses.

    def join(self, bus: InProcessBus) -> None:
        self._buses[bus.node] = bus

    def leave(self, bus: InProcessBus) -> None:
        if self._buses.get(bus.node) is bus:
            del self._buses[bus.node]

    def others(self, node: str) -> list[str]:
        return [name for name in self._buses if name != node]

    def knows(self, node: str) -> bool:
        return node in self._buses

    def carry(
        self,
        source: str,
        target: str,
        subject: str,
        arrive: Callable[[InProcessBus], None],
        away: Callable[[InProcessBus], None] | None = None,
    ) -> None:
        """Bring a message to a node: `arrive` is called with its bus, or `away` with that of its sender where
        there is no such node."""
        loop = asyncio.get_running_loop()
        for delay in self.travel(source, target, subject):
            arrival = partial(self._arrived, source, target, arrive, away)
            if delay > 0:
                loop.call_later(delay, arrival)
            else:
                loop.call_soon(arrival)

    def _arrived(
        self,
        source: str,
        target: str,
        arrive: Callable[[InProcessBus], None],
        away: Callable[[InProcessBus], None] | None,
    ) -> None:
        held = self._held.get(target)
        if held is not None:
            held.append(partial(self._arrived, source, target, arrive, away))
            return
        bus = self._buses.get(target)
        groups = self._groups
        apart = source in groups and target in groups and groups[source] != groups[target]
        if bus is not None and not apart:
            arrive(bus)
        elif bus is None and away is not None and source in self._buses:
            away(self._buses[source])


class InProcessBus:
    """A `Bus` on a wire in this process."""

    def __init__(self, wire: Wire, node: str, supervisor: Supervisor) -> None:
        self.node = node
        self.problem: str | None = None
        self._wire = wire
        self._handlers = Handlers(supervisor)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._last = 0

    @property
    def counts(self) -> BusCounts:
        return self._handlers.counts

    def on(self, subject: str, handler: Handler) -> None:
        self._handlers.on(subject, handler)

    def answer(self, subject: str, handler: AnsweringHandler) -> None:
        self._handlers.answer(subject, handler)

    def on_return(self, subject: str, handler: Handler) -> None:
        self._handlers.on_return(subject, handler)

    def on_connected(self, listener: Callable[[], None]) -> None:
        self._handlers.on_connected(listener)

    async def start(self) -> None:
        self._wire.join(self)

    async def stop(self) -> None:
        self._wire.leave(self)
        self._handlers.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(NodeAway("this node has left the bus"))

    def send(self, node: str, subject: str, payload: bytes) -> None:
        self.counts.sent[subject] += 1
        source = self.node
        returns = self._handlers.returns(subject)
        self._wire.carry(
            source,
            node,
            subject,
            lambda bus: bus.received(source, subject, payload),
            (lambda bus: bus.returned(node, subject, payload)) if returns else None,
        )

    def announce(self, subject: str, payload: bytes) -> None:
        for node in self._wire.others(self.node):
            self.send(node, subject, payload)

    async def request(self, node: str, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109
        self.counts.sent[subject] += 1
        if not self._wire.knows(node):
            raise NotThere(f"node {node} is not there")
        self._last += 1
        number, source = self._last, self.node
        answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        self._wire.carry(source, node, subject, lambda bus: bus.requested(source, subject, payload, number))
        try:
            async with asyncio.timeout(timeout):
                return await answered
        except TimeoutError:
            raise NodeAway(f"node {node} did not answer within {timeout:g} s") from None
        finally:
            del self._waiting[number]

    # From the wire.

    def received(self, node: str, subject: str, payload: bytes) -> None:
        self._handlers.received(node, subject, payload)

    def returned(self, node: str, subject: str, payload: bytes) -> None:
        self._handlers.returned(node, subject, payload)

    def requested(self, node: str, subject: str, payload: bytes, number: int) -> None:
        def reply(done: bool, answer: bytes) -> None:
            self._wire.carry(self.node, node, subject, lambda bus: bus.replied(number, done, answer))

        self._handlers.requested(node, subject, payload, reply)

    def replied(self, number: int, done: bool, answer: bytes) -> None:
        waiting = self._waiting.get(number)
        if waiting is None or waiting.done():
            return
        if done:
            waiting.set_result(answer)
        else:
            waiting.set_exception(RequestRefused(answer.decode()))
