"""The ledger over every type of connection: what goes wrong at the other side, and servers that die."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.simulation.beginnings import beginning
from tests.simulation.far_clients import CLIENTS
from tests.simulation.far_side import EveryApplication
from veldnet.connections import KINDS
from veldnet.simulator.virtual_time import VirtualTimeLoop
from veldnet.virtual import Conditions, Faults, Steps
from veldnet.virtual import VirtualNetwork as World

T = TypeVar("T")

# `make simulation` kills the server at every fifth step, `make test` at one.
LONG = "VELDNET_SIMULATION_SEEDS" in os.environ


class _Loop(VirtualTimeLoop):
    """Work for threads is done at once: what each type does there is to load its client."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future = self.create_future()
        future.set_result(func(*args))
        return future


@pytest.fixture(autouse=True)
def clients(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CLIENTS.keys() == KINDS.keys(), "each type of connection has its far side"
    for use in CLIENTS.values():
        use(monkeypatch)


async def live(directory: Path, seed: int, seconds: float, die_at: int | None = None) -> World:
    directory.mkdir()
    # Pauses before connections are made again are nobody's secret.
    random.seed(seed)
    world = World(
        directory,
        seed,
        steps=Steps(die_at),
        faults=Faults(loss=0.0),
        conditions=Conditions(downlinks_every=(0.3, 1.0)),
        more={"routing.allow_private_destinations": True},
    )
    world.application = EveryApplication(world)
    world.beginning = beginning(f"connections-{seed}")
    await world.build(2, period=3.0)
    await world.run(seconds)
    await world.check_invariants()
    assert not world.application.waiting, "every downlink was acknowledged"
    for side in world.application.sides.values():
        assert world.checker.flowed_count(side.ref) > 1, side.name
    return world


def run(story: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(story)


def test_every_type_carries_on_whatever_the_other_side_does(tmp_path: Path) -> None:
    async def story() -> None:
        world = await live(tmp_path / "data", 3, 60)
        assert isinstance(world.application, EveryApplication)
        for name, side in world.application.sides.items():
            happened = {what for what, times in side.faults.items() if times}
            wanted = {"refused message", "ended before", "ended after", "too late"}
            if KINDS[name].downlinks:
                wanted |= {"refused", "sent twice", "ended before an acknowledgement"}
            assert wanted <= happened, (name, side.faults)
            assert f"{name} has a message" in world.steps.names
        await world.close()

    run(story())


def test_a_server_that_dies_while_connections_carry_messages(tmp_path: Path) -> None:
    async def killed(die_at: int) -> int:
        world = await live(tmp_path / f"step-{die_at}", 5, 20, die_at)
        await world.close()
        return world.deaths

    if not LONG:
        assert run(killed(221)) == 1
        return
    die_at = 0
    while run(killed(die_at)):
        die_at += 5
    assert die_at > 300
