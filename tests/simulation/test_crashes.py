"""The whole network, killed at every step, keeps its invariants and goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulation.beginnings import beginning
from veldnet.network.core import DownlinkRecord, JoinRecord, UplinkRecord
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import Conditions, Faults, Steps
from veldnet.virtual import VirtualNetwork as World

SEEDS = range(int(os.environ.get("VELDNET_SIMULATION_SEEDS", "1")))
# Steps of a run are spread over so many tests, which run side by side.
SHARDS = 4
# `make simulation` kills the server at every step, `make test` at every eleventh: kinds of steps come by
# fours and sixes.
STRIDE = 1 if "VELDNET_SIMULATION_SEEDS" in os.environ else 11


async def live(directory: Path, seed: int, seconds: float, count: int, die_at: int | None = None) -> World:
    world = World(directory, seed, steps=Steps(die_at), conditions=Conditions(flows=True))
    world.beginning = beginning(f"crashes-{seed}-{count}")
    await world.build(count)
    await world.run(seconds)
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_a_town_without_crashes(tmp_path: Path, seed: int) -> None:
    async def story() -> None:
        world = await live(tmp_path, seed, 240, count=6)
        records = await world.check_invariants()
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert all(life.device.joined for life in world.lives)
        sent = sum(life.sent for life in world.lives)
        # Two base stations lose a twentieth of the copies each, so nearly every frame arrives.
        assert len(accepted) > 0.9 * sent > 100
        assert any(len(r.copies) == 2 for r in accepted)
        downlinks = [r for r in records if isinstance(r, DownlinkRecord)]
        assert any(r.from_application and r.delivered for r in downlinks)
        assert any(r.ack and r.delivered for r in downlinks)
        received = [r for life in world.lives for r in life.received]
        assert any(r.payload for r in received) and any(r.ack for r in received)
        assert any(r.commands for r in received), "ADR or another MAC command reached a device"
        assert await world.late_parts() > 3, "late copies were folded into their frames"
        await world.close()

    run_virtually(story())


def test_devices_that_do_not_fit_into_memory_come_and_go(tmp_path: Path) -> None:
    async def story() -> None:
        world = World(tmp_path, 5, faults=Faults(loss=0.0), conditions=Conditions(capacity=1))
        await world.build(6, period=40.0)
        await world.run(900)
        records = await world.check_invariants()
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert len(accepted) > 80 and all(life.device.joined for life in world.lives)
        assert len(world.server.platform.network.devices) < 6
        await world.close()

    run_virtually(story())


def test_the_same_seed_gives_the_same_history(tmp_path: Path) -> None:
    async def history(directory: Path) -> list[tuple[str, str]]:
        directory.mkdir()
        world = await live(directory, 7, 60, count=3)
        records = await world.records()
        await world.close()
        return [(type(record).__name__, f"{record.time:.6f} {record.outcome}") for record in records]

    first = run_virtually(history(tmp_path / "a"))
    second = run_virtually(history(tmp_path / "b"))
    assert first == second and len(first) > 20


async def story(directory: Path, die_at: int | None = None) -> World:
    directory.mkdir()
    return await live(directory, 11, 40, count=2, die_at=die_at)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many steps a short story has: before and after each commit, transmission and delivery."""

    async def baseline() -> int:
        world = await story(tmp_path_factory.mktemp("baseline") / "data")
        await world.check_invariants()
        await world.close()
        assert {"before commit", "after commit", "before transmit", "after delivery"} <= world.steps.names
        assert "after delivery over a flow" in world.steps.names and world.checker.acknowledged_count > 2
        return world.steps.count

    return run_virtually(baseline())


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_every_step(tmp_path: Path, steps: int, shard: int) -> None:
    async def killed(die_at: int) -> None:
        world = await story(tmp_path / f"step-{die_at}", die_at)
        records = await world.check_invariants()
        assert world.deaths == 1
        # Life goes on after the crash: every device is joined and heard again.
        last_join = max(r.time for r in records if isinstance(r, JoinRecord) and r.outcome == "accepted")
        assert any(isinstance(r, UplinkRecord) and r.time > last_join for r in records)
        assert all(life.device.joined for life in world.lives)
        await world.close()

    assert steps > 80
    for die_at in range(shard * STRIDE, steps, SHARDS * STRIDE):
        run_virtually(killed(die_at))
