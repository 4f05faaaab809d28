"""Faults of a virtual network: how often, and when they happen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

import msgspec


class Faults(msgspec.Struct, frozen=True):
    """Shares of copies; times in seconds. Rates are for each hour of virtual time."""

    loss: float = 0.05
    duplicates: float = 0.1
    slow: float = 0.05
    # Backhaul delay of an ordinary copy and of a slow one, least and most.
    delay: tuple[float, float] = (0.005, 0.12)
    slow_delay: tuple[float, float] = (0.3, 1.5)
    delivery_failures: float = 0.1
    crashes: float = 0.0
    base_station_outages: float = 0.0
    # Lines of base stations that are cut, and a broker that goes away; where they are connected by protocols.
    cuts: float = 0.0
    broker_outages: float = 0.0
    outage: tuple[float, float] = (60.0, 1800.0)


CALM = Faults(loss=0.0, duplicates=0.0, slow=0.0, delivery_failures=0.0)
STORMY = Faults(crashes=0.5, base_station_outages=2.0, cuts=6.0, broker_outages=0.5)


async def happen(rates: Mapping[Callable[[], None], float], rng: random.Random) -> None:
    """Have each of these happen so many times an hour, endlessly."""
    rate = sum(rates.values()) / 3600
    while True:
        if not rate:
            await asyncio.Event().wait()
        await asyncio.sleep(rng.expovariate(rate))
        (act,) = rng.choices(list(rates), list(rates.values()))
        act()
