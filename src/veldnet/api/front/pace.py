"""Limits the share of each event loop iteration spent on HTTP."""

from __future__ import annotations

import asyncio
import types
from collections import deque
from collections.abc import Coroutine, Generator
from time import perf_counter
from typing import Any, Protocol

# The probes of load balancers and Prometheus: answered whatever else is asked.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
# Seconds of a turn after which other HTTP work waits for the next one.
_BUDGET = 0.004
# Steps that wait are let through at most so many a turn; probes have some of their own.
_STEPS, _PROBE_STEPS = 8, 4


class Reader(Protocol):
    """A connection with input that has not been parsed."""

    def read_slice(self) -> bool:
        """Parse a slice of it; returns whether there is more that can be parsed."""
        ...


class Pace:
    """The time that HTTP has spent in this turn of the loop, and what waits for the next ones. Between two
    turns the loop looks at the radio's sockets and timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._spent = 0.0
        self._turning = False
        self._steps: deque[asyncio.Future[None]] = deque()
        self._probe_steps: deque[asyncio.Future[None]] = deque()
        self._readers: deque[Reader] = deque()

    def read(self, reader: Reader) -> None:
        """Let a connection parse its input, a slice at a time."""
        self._readers.append(reader)
        self._turn_later()

    def must_wait(self, probe: bool) -> bool:
        """Whether a step of the application must wait for a later turn."""
        return self._spent >= _BUDGET or bool(self._probe_steps if probe else self._steps)

    def wait(self, probe: bool) -> asyncio.Future[None]:
        """Done when the step may be taken."""
        waiting: asyncio.Future[None] = self._loop.create_future()
        (self._probe_steps if probe else self._steps).append(waiting)
        self._turn_later()
        return waiting

    def charge(self, seconds: float) -> None:
        self._spent += seconds
        self._turn_later()

    def _turn_later(self) -> None:
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turning = False
        self._spent = 0.0
        for waiting, most in ((self._probe_steps, _PROBE_STEPS), (self._steps, _STEPS)):
            _let_through(waiting, most)
        begun = perf_counter()
        while self._readers and self._spent < _BUDGET:
            reader = self._readers.popleft()
            if reader.read_slice():
                self._readers.append(reader)
            self._spent = perf_counter() - begun
        if self._readers or self._steps or self._probe_steps:
            self._turn_later()


def _let_through(waiting: deque[asyncio.Future[None]], most: int) -> None:
    while waiting and most:
        step = waiting.popleft()
        if not step.done():
            step.set_result(None)
            most -= 1


class Paced:
    """An application each of whose steps, from one wait to the next, counts against the pace."""

    def __init__(self, application: Any, pace: Pace) -> None:
        self._application = application
        self._pace = pace

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        probe = scope["type"] == "http" and scope["path"] in PROBES
        await _paced(self._application(scope, receive, send), self._pace, probe)


@types.coroutine
def _paced(work: Coroutine[Any, Any, None], pace: Pace, probe: bool) -> Generator[Any, Any, None]:
    """Drive a coroutine as a task would, but for waiting where the turn is used up."""
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        if pace.must_wait(probe):
            try:
                yield from pace.wait(probe)
            except BaseException as error:  # a cancellation, which the work must see
                thrown = error
        begun = perf_counter()
        try:
            awaited = work.send(sent) if thrown is None else work.throw(thrown)
        except StopIteration:
            return
        finally:
            pace.charge(perf_counter() - begun)
        sent, thrown = None, None
        try:
            sent = yield awaited
        except BaseException as error:  # handed on to the work
            thrown = error
