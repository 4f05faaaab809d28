"""Base stations that flood, as several nodes see them together."""

from __future__ import annotations

import asyncio

from veldnet.cluster import SharedFloods, Wire
from veldnet.lorawan import BaseStationId
from veldnet.network.shell.admission.flood_guard import FloodGuard
from veldnet.simulator.virtual_time import run_virtually
from veldnet.supervision import Supervisor

FLOODING, QUIET = BaseStationId(1), BaseStationId(2)
LIMIT, NODES = 64, 4


def test_a_flood_counts_whichever_nodes_judge_its_frames() -> None:
    async def story() -> None:
        wire, guards, buses = Wire(), [], []
        now = asyncio.get_running_loop().time
        for number in range(NODES):
            bus = wire.bus(f"n{number}", Supervisor())
            guards.append(FloodGuard(LIMIT))
            buses.append(bus)
            SharedFloods(bus, guards[-1], now)
            await bus.start()
        # A little more than the limit, each node a quarter of it.
        for _ in range(LIMIT // NODES + 2):
            for guard in guards:
                guard.refused(FLOODING, now())
        assert not any(guard.floods(FLOODING, now()) for guard in guards)
        await asyncio.sleep(0.3)
        assert all(guard.floods(FLOODING, now()) for guard in guards)
        # Those that turn out to be genuine count at no node.
        for _ in range(20):
            guards[0].genuine(FLOODING, now())
        await asyncio.sleep(0.3)
        assert not any(guard.floods(FLOODING, now()) for guard in guards)
        sent = sum(bus.counts.sent["floods"] for bus in buses)
        await asyncio.sleep(10)
        # What is heard at any time is not told.
        for guard in guards:
            guard.refused(QUIET, now())
        await asyncio.sleep(1)
        assert sum(bus.counts.sent["floods"] for bus in buses) == sent

    run_virtually(story())


def test_many_base_stations_that_bring_little_each_are_a_flood_of_all() -> None:
    async def story() -> None:
        wire, now = Wire(), asyncio.get_running_loop().time
        guards = [FloodGuard(LIMIT) for _ in range(2)]
        for number, guard in enumerate(guards):
            bus = wire.bus(f"n{number}", Supervisor())
            SharedFloods(bus, guard, now)
            await bus.start()
        for number in range(240):
            guards[number % 2].refused(BaseStationId(number % 20), now())
        assert not any(guard.floods(BaseStationId(5), now()) for guard in guards)
        await asyncio.sleep(0.3)
        assert all(guard.floods(BaseStationId(5), now()) for guard in guards)

    run_virtually(story())
