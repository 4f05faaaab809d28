"""Nodes count requests together."""

from __future__ import annotations

import asyncio

from veldnet.api.rate_limit import RateLimiter
from veldnet.api.shared_limits import SharedLimits
from veldnet.cluster import Wire
from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor

BURST = 6


def _let_pass(limiter: RateLimiter, most: int = 100) -> int:
    """How many requests of an account pass at one moment."""
    quotas = (limiter.take("account", 0.0) for _ in range(most))
    return sum(1 for quota in quotas if quota is not None and quota.allowed)


def test_what_passes_at_one_node_counts_at_all() -> None:
    async def story() -> None:
        wire = Wire()
        limiters = [RateLimiter(0.001, burst=BURST) for _ in range(3)]
        for number, limiter in enumerate(limiters):
            bus = wire.bus(f"n{number}", Supervisor())
            SharedLimits(bus, {"requests": limiter})
            await bus.start()

        first, second, third = limiters
        assert _let_pass(first, 4) == 4
        await asyncio.sleep(0.5)
        assert _let_pass(second) == BURST - 4
        first.give_back("account")
        await asyncio.sleep(0.5)
        assert _let_pass(third) == 1, "what is given back at one node is there at the others"
        # All at once: what was let pass too often is paid for, a burst at most.
        busy = RateLimiter(1.0, burst=BURST)
        busy.add("account", 10 * BURST, 0.0)
        assert not _allowed_at(busy, float(BURST)) and _allowed_at(busy, BURST + 2.0)

    run_virtually(story())


def _allowed_at(limiter: RateLimiter, moment: float) -> bool:
    quota = limiter.take("account", moment)
    return quota is not None and quota.allowed
