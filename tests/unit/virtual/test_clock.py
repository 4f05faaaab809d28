"""A clock that is moved: timers in their order, work outside is waited for, a move is bounded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from veldnet.virtual import VirtualClock, VirtualClockLoop


def run(clock: VirtualClock, work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=lambda: VirtualClockLoop(clock)) as runner:
        return runner.run(work)


def test_timers_of_months_fire_in_their_order_at_their_time() -> None:
    clock = VirtualClock(1_800_000_000.0)
    fired: list[tuple[str, float]] = []

    def note(name: str) -> None:
        fired.append((name, asyncio.get_running_loop().time()))

    async def work() -> float:
        loop = asyncio.get_running_loop()
        for name, delay in (("late", 90 * 86_400.0), ("soon", 0.2), ("same", 90 * 86_400.0), ("never", 1e9)):
            loop.call_later(delay, note, name)
        return await clock.advance(90 * 86_400.0 + 1)

    began = time.monotonic()
    assert run(clock, work()) == 0
    assert time.monotonic() - began < 5
    assert [name for name, _at in fired] == ["soon", "late", "same"]
    assert [at for _name, at in fired] == pytest.approx([0.2, 90 * 86_400.0, 90 * 86_400.0], abs=0.1)
    assert clock.now() - 1_800_000_000 == pytest.approx(90 * 86_400 + 1, abs=1)


def test_time_waits_for_threads_and_for_those_who_must_answer() -> None:
    clock = VirtualClock(0.0)
    answer = threading.Event()

    async def asked() -> float:
        with clock.awaiting():
            # Time passes as outside, so this comes long before the hour is over.
            await asyncio.sleep(0.05)
        return asyncio.get_running_loop().time()

    async def work() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        waiting = loop.create_task(asked())
        loop.call_later(0.02, answer.set)
        thread = loop.create_task(asyncio.to_thread(answer.wait, 5))
        thread.add_done_callback(lambda _thread: done.append(loop.time()))
        await clock.advance(3600)
        return await waiting, done[0]

    done: list[float] = []
    for moment in run(clock, work()):
        assert moment < 10


def test_a_move_ends_after_its_real_time_and_goes_on_later() -> None:
    clock = VirtualClock(0.0)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    async def work() -> tuple[float, float]:
        ticking = asyncio.create_task(tick())
        left = await clock.advance(86_400, longest=0.1)
        before = clock.time()
        more = await clock.advance(1)
        ticking.cancel()
        return left, clock.time() - before + more

    left, moved = run(clock, work())
    assert 0 < left < 86_400 and ticks > 10
    assert moved == pytest.approx(1, abs=0.2)


def test_what_looks_outside_is_held_until_the_move_is_over() -> None:
    clock = VirtualClock(0.0)
    looks = 0

    async def look() -> None:
        nonlocal looks
        while True:
            await asyncio.sleep(1)
            await clock.still()
            looks += 1

    async def work() -> None:
        looking = asyncio.create_task(look())
        await clock.advance(3600)
        looking.cancel()

    run(clock, work())
    assert looks <= 1


def test_work_under_the_clock_ends_the_move_and_its_error_is_raised() -> None:
    clock = VirtualClock(0.0)

    async def sleep() -> float:
        await asyncio.sleep(5)
        return clock.time()

    async def fail() -> None:
        await asyncio.sleep(5)
        raise ValueError("of the work")

    async def work() -> float:
        at = await clock.run(sleep(), within=60)
        with pytest.raises(ValueError, match="of the work"):
            await clock.run(fail(), within=60)
        with pytest.raises(TimeoutError):
            await clock.run(asyncio.sleep(3600), within=60)
        return at

    assert run(clock, work()) == pytest.approx(5, abs=0.5)
    assert clock.time() == pytest.approx(70, abs=2)


def test_a_clock_that_stands_moves_only_when_told() -> None:
    clock = VirtualClock(0.0, stands=True)

    async def work() -> float:
        before = clock.time()
        await asyncio.to_thread(time.sleep, 0.01)
        assert clock.time() == before
        await clock.advance(10)
        return clock.time()

    with asyncio.Runner(loop_factory=lambda: VirtualClockLoop(clock, inline=True)) as runner:
        assert runner.run(work()) == 10
