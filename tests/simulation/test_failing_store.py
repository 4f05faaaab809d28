"""The whole network with a store that fails at every one of its calls, and with defects in its tasks.

It keeps its invariants, and every device is heard again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation.beginnings import beginning
from veldnet.network.core import JoinRecord, UplinkRecord
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError
from veldnet.virtual import Conditions, Steps
from veldnet.virtual import VirtualNetwork as World

SHARDS = 2
# `make simulation` lets every call fail in every way, `make test` every twenty-fifth.
STRIDE = 1 if "VELDNET_SIMULATION_SEEDS" in os.environ else 25


class Defect(Exception):
    """An exception that nobody expects."""


async def live(directory: Path, steps: Steps) -> World:
    directory.mkdir()
    # So little memory that devices are loaded again and again.
    world = World(directory, 13, steps=steps, conditions=Conditions(capacity=1))
    world.beginning = beginning("failing-store")
    await world.build(3, period=12.0)
    await world.run(60)
    return world


async def check(world: World) -> None:
    records = await world.check_invariants()
    accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
    joins = [r for r in records if isinstance(r, JoinRecord) and r.outcome == "accepted"]
    assert all(life.device.joined for life in world.lives)
    refs = {r.device_ref for r in joins}
    assert len(refs) == len(world.lives)
    for ref in refs:
        last = max(r.time for r in joins if r.device_ref == ref)
        assert any(r.device_ref == ref and r.time > last for r in accepted), "a device is not heard any more"
    assert not world.server.platform.supervisor.problems()


def disk_error() -> Exception:
    return StoreError("disk I/O error")


# What goes wrong with a call, and with how many behind it too.
FAULTS: tuple[tuple[Callable[[], Exception], int], ...] = ((disk_error, 1), (Defect, 1), (disk_error, 8))


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How often the store is called where it never fails."""

    async def baseline() -> int:
        world = await live(tmp_path_factory.mktemp("baseline") / "data", Steps())
        await check(world)
        await world.close()
        return world.steps.calls

    return run_virtually(baseline())


@pytest.mark.parametrize("shard", range(SHARDS))
def test_b2_every_call_of_the_store_fails(tmp_path: Path, calls: int, shard: int) -> None:
    async def failing(case: int) -> list[str]:
        at, kind = divmod(case, len(FAULTS))
        failure, times = FAULTS[kind]
        steps = Steps(fail_at=at, fail_for=times, failure=failure)
        world = await live(tmp_path / f"call-{at}-{kind}", steps)
        await check(world)
        await world.close()
        return steps.failed

    cases = calls * len(FAULTS)
    assert cases > 300
    failed: set[str] = set()
    for case in range(shard, cases, SHARDS * STRIDE):
        failed |= set(run_virtually(failing(case)))
    assert {"commit", "devices_by_dev_addr"} <= failed
