"""Group commit with a disk whose sync takes 20 ms: it fits, and downlinks keep their deadline."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from veldnet.network.core import DownlinkRecord, UplinkRecord
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError
from veldnet.virtual import Faults
from veldnet.virtual import VirtualNetwork as World
from veldnet.virtual.mortal import MortalStore


def test_a_disk_that_takes_20_ms(tmp_path: Path, monkeypatch: Any) -> None:
    commit = MortalStore.commit

    async def slow(self: MortalStore, rows: Any, proof: Any = None) -> None:
        await asyncio.sleep(0.020)
        await commit(self, rows, proof)

    monkeypatch.setattr(MortalStore, "commit", slow)

    async def story() -> None:
        world = World(tmp_path, 5, faults=Faults(loss=0.0))
        await world.build(6, period=3.0)
        await world.run(120)
        records = await world.check_invariants()
        assert sum(isinstance(r, UplinkRecord) for r in records) > 80
        downlinks = [r for r in records if isinstance(r, DownlinkRecord)]
        late = [r for r in downlinks if "B0" in (r.cause_rx1, r.cause_rx2)]
        # A base station busy with another frame sends some in RX2; none came too late for RX1.
        assert len(downlinks) > 40 and late == []
        await world.close()

    run_virtually(story())


def test_a_store_that_fails_loses_frames_like_radio_and_nothing_else(
    tmp_path: Path, monkeypatch: Any
) -> None:
    commit = MortalStore.commit
    calls = 0

    async def failing(self: MortalStore, rows: Any, proof: Any = None) -> None:
        nonlocal calls
        calls += 1
        if calls % 7 == 0:
            raise StoreError("disk full")
        await commit(self, rows, proof)

    monkeypatch.setattr(MortalStore, "commit", failing)

    async def story() -> None:
        world = World(tmp_path, 6, faults=Faults(loss=0.0))
        await world.build(4, period=4.0)
        await world.run(120)
        await world.check_invariants()
        assert world.server.platform.network.counters.commit_failures > 5
        assert all(life.device.joined for life in world.lives)
        await world.close()

    run_virtually(story())
