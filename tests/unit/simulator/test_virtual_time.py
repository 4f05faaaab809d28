"""The clock of simulations."""

from __future__ import annotations

import asyncio
import time

import pytest

from veldnet.simulator.virtual_time import NothingLeftToHappen, run_virtually


def test_a_year_passes_at_once() -> None:
    async def sleep() -> float:
        await asyncio.sleep(365 * 86_400)
        return asyncio.get_running_loop().time()

    begun = time.process_time()
    assert run_virtually(sleep()) == 365 * 86_400
    assert time.process_time() - begun < 5


def test_timers_fire_in_their_order_each_at_its_time() -> None:
    async def story() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []
        loop = asyncio.get_running_loop()

        async def after(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, loop.time()))

        await asyncio.gather(after("c", 30), after("a", 0.5), after("b", 2), after("d", 30))
        return seen

    assert run_virtually(story()) == [("a", 0.5), ("b", 2), ("c", 30), ("d", 30)]


def test_time_outs_are_of_virtual_time() -> None:
    async def story() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(600):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run_virtually(story()) == 600


def test_what_can_never_come_is_an_error_and_no_endless_wait() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeftToHappen):
        run_virtually(story())
