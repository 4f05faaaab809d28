"""An event loop for a server whose time can be moved: it passes as outside, or jumps from timer to timer.

While time is moved nothing waits: where the loop has nothing to do before its next timer, the clock goes
on to it. Only for work in threads, and for those outside who have to answer, it passes as it does for
them. So what happens within six hours happens in its order, in a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import selectors
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

# Real seconds that one move of the clock may take.
LONGEST_MOVE = 10.0
# Real seconds after which one that is asked has died, where nothing else will happen.
_LONGEST_ANSWER = 30.0
# The longest real wait before it is looked again whether the clock may move on.
_LOOK_AGAIN = 0.05


class VirtualClock:
    """Time of an event loop, in seconds from 0; `began` is its beginning in Unix seconds. With `stands` it
    passes by moves alone, else as outside between them."""

    def __init__(self, began: float, *, stands: bool = False) -> None:
        self.began = began
        # Whether somebody outside has to answer.
        self.busy: Callable[[], bool] = lambda: False
        self._stands = stands
        self._time = 0.0
        # Since when, by the system, it passes as outside.
        self._passing: float | None = None if stands else time.perf_counter()
        self._target = math.inf
        self._deadline = math.inf
        self._moved: asyncio.Future[None] | None = None
        self._awaited = 0
        self._turn = asyncio.Lock()

    def time(self) -> float:
        return self._time if self._passing is None else self._time + time.perf_counter() - self._passing

    def now(self) -> float:
        """Unix seconds."""
        return self.began + self.time()

    # Those who have to answer.

    @contextlib.contextmanager
    def awaiting(self) -> Iterator[None]:
        """While this is open, the clock passes no faster than outside."""
        self._awaited += 1
        try:
            yield
        finally:
            self._awaited -= 1

    def wait_for(self, future: asyncio.Future[Any]) -> None:
        """As `awaiting`, until a future is done."""
        self._awaited += 1

        def answered(_future: asyncio.Future[Any]) -> None:
            self._awaited -= 1

        future.add_done_callback(answered)

    async def still(self) -> None:
        """Wait until nobody moves the clock."""
        while self._moved is not None:
            await asyncio.shield(self._moved)

    # Moving.

    async def advance(self, seconds: float, *, longest: float | None = None) -> float:
        """Move on; returns the seconds that are left after `longest` real ones, ten by default."""
        async with self._turn:
            target = self.time() + seconds
            await self._move(target, longest)
            return max(target - self.time(), 0.0)

    def skip(self, seconds: float) -> None:
        """Be so much later at once: timers that were due meanwhile are due then. Nobody moves the clock."""
        self._time += seconds

    async def run(self, work: Awaitable[T], *, within: float, longest: float | None = None) -> T:
        """Move on while something is done. Raises `TimeoutError` after `within` virtual or `longest` real
        seconds."""
        async with self._turn:
            doing = asyncio.ensure_future(work)
            doing.add_done_callback(lambda _done: self._stop_soon())
            try:
                await self._move(self.time() + within, longest)
                if not doing.done():
                    raise TimeoutError
            finally:
                if not doing.done():
                    doing.cancel()
                    await asyncio.gather(doing, return_exceptions=True)
            return doing.result()

    async def _move(self, target: float, longest: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._moved = loop.create_future()
        self._time, self._passing = self.time(), None
        self._target, self._deadline = (
            target,
            time.perf_counter() + (LONGEST_MOVE if longest is None else longest),
        )
        await asyncio.shield(self._moved)

    def _stop_soon(self) -> None:
        if self._moved is not None:
            self._target = self._time

    def _stop(self) -> None:
        moved, self._moved = self._moved, None
        self._target = self._deadline = math.inf
        if not self._stands:
            self._passing = time.perf_counter()
        if moved is not None and not moved.done():
            moved.set_result(None)

    # The loop's side.

    def select(
        self, select: Callable[[float | None], list[Any]], timeout: float | None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """What the loop's selector finds ready, or nothing after the clock has moved on."""
        if self._passing is not None:
            return select(timeout)
        if time.perf_counter() > self._deadline:
            self._stop()
            return []
        ready = select(0)
        if ready or timeout == 0:
            return ready
        step = self._target - self._time
        if timeout is not None:
            step = min(step, max(timeout, 0.0))
        if self._awaited or self.busy() or step == math.inf:
            return self._wait(select, step)
        if step <= 0:
            self._stop()
            return []
        self._time += step
        return []

    def _wait(self, select: Callable[[float | None], list[Any]], step: float) -> list[Any]:
        """Let time pass as it does for those who have to answer."""
        if step == math.inf:
            ready = select(_LONGEST_ANSWER)
            if not ready:
                raise RuntimeError("the server waits for something that cannot come")
            return ready
        began = time.perf_counter()
        ready = select(min(max(step, 0.001), _LOOK_AGAIN))
        self._time += min(time.perf_counter() - began, step)
        return ready


class _Selector(selectors.DefaultSelector):
    """Waits as the clock says."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return self._clock.select(super().select, timeout)


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop that lives by a clock. With `inline` work for threads is done at once."""

    def __init__(self, clock: VirtualClock, *, inline: bool = False) -> None:
        self.clock = clock
        self._inline = inline
        super().__init__(_Selector(clock))
        # Timers this near are due. After years a nanosecond, asyncio's own, is less than what a float can
        # add, and a timer would never be due.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self.clock.time()

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        if not self._inline:
            working = super().run_in_executor(executor, func, *args)
            self.clock.wait_for(working)
            return working
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future
