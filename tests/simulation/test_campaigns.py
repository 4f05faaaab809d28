"""A campaign for a network of virtual devices, with frames lost, and the server killed on the way."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from veldnet.campaigns import Campaign, NewCampaign, Options, create_campaign, get_campaign
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.devices import Wanted
from veldnet.simulator.update_client import Abilities, UpdateClient
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError
from veldnet.store.schema import campaign_events
from veldnet.virtual import Conditions, Faults, Steps, VirtualNetwork
from veldnet.virtual.population import Kind

FILE = random.Random(5).randbytes(700)
LARGE = "VELDNET_SIMULATION_SEEDS" in os.environ


class Town:
    """Devices that have the packages; frames to them are lost as often as `loss` says."""

    def __init__(self, world: VirtualNetwork, loss: float = 0.1, content: bytes = FILE) -> None:
        self.world, self.loss, self.content = world, loss, content
        self.scope: Scope
        self.clients: list[UpdateClient] = []

    async def begin(self, count: int, period: float, options: Options) -> None:
        world = self.world
        await world.build(count, period=period, confirmed_share=0.0, first=period)
        for life in world.lives:
            client = UpdateClient(life.device.identity.app_key, world.rng, Abilities())
            take = client.take
            client.take = lambda *given, take=take: [] if world.rng.random() < self.loss else take(*given)  # type: ignore[method-assign]
            life.updates = client
            self.clients.append(client)
        scope = await world.data.store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        self.scope = scope
        new = NewCampaign("Update", "firmware", self.content, options, None, Wanted(), None, None)
        await world.data.store.write(lambda c: create_campaign(c, scope, new, round(world.clock() * 1000)))

    async def chores(self) -> None:
        """What the leading node does every few seconds, in whichever server lives."""
        while True:
            await asyncio.sleep(2)
            server = self.world.server
            if server.dead or not server.platform.supervisor:
                continue
            try:
                await server.platform.apply_changes()
                await server.platform.campaigns.run()
            except (StoreError, asyncio.CancelledError):
                if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise

    async def run(self, seconds: float) -> Campaign:
        """Live until the campaign is over, for so many seconds at most."""
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(life.run()) for life in self.world.lives]
        tasks.append(loop.create_task(self.chores()))
        end = loop.time() + seconds
        found = await self.look()
        while found.state != "complete" and loop.time() < end:
            await asyncio.sleep(60)
            found = await self.look()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
        self.world.delivery_failures = 0.0
        await asyncio.sleep(60)
        return found

    async def look(self) -> Campaign:
        return await self.world.data.store.read(lambda c: get_campaign(c, self.scope, "1"))


OPTIONS = Options(answer_timeout=120, retries=10, duty_cycle_share=10)
# Nobody else sends anything.
QUIET = (1e6, 1e6)


def conditions(device_class: Literal["A", "C"]) -> Conditions:
    return Conditions(kinds=(Kind("1.0.3", device_class),), downlinks_every=QUIET)


@pytest.mark.parametrize("device_class", ["A", "C"])
def test_all_devices_get_the_file(tmp_path: Path, device_class: Literal["A", "C"]) -> None:
    async def story() -> None:
        world = VirtualNetwork(tmp_path, 3, conditions=conditions(device_class))
        town = Town(world, content=FILE[:300])
        await town.begin(2, 10, OPTIONS)
        found = await town.run(7200)
        assert (found.state, found.devices) == ("complete", {"applied": 2})
        assert all(client.files[-1] == FILE[:300] and client.reboots for client in town.clients)
        assert not await world.data.store.read(lambda c: c.execute(select(campaign_events.c.id)).all())
        await world.check_invariants()
        await world.close()

    run_virtually(story())


@pytest.mark.skipif(not LARGE, reason="takes minutes: make simulation")
def test_a_thousand_devices_at_ten_percent_loss(tmp_path: Path) -> None:
    async def story() -> None:
        world = VirtualNetwork(
            tmp_path, 3, conditions=conditions("A"), faults=Faults(loss=0.0, duplicates=0.0)
        )
        town = Town(world)
        await town.begin(1000, 120, replace(OPTIONS, answer_timeout=900, fragment_size=100))
        found = await town.run(86_400)
        assert (found.state, found.devices) == ("complete", {"applied": 1000})
        assert all(client.files[-1] == FILE for client in town.clients)
        await world.close()

    run_virtually(story())


async def small(directory: Path, die_at: int | None = None) -> tuple[Town, Campaign]:
    directory.mkdir()
    world = VirtualNetwork(directory, 4, steps=Steps(die_at), conditions=conditions("A"))
    town = Town(world, content=FILE[:90])
    await town.begin(1, 10, OPTIONS)
    return town, await town.run(7200)


def test_killed_on_the_way(tmp_path: Path) -> None:
    async def killed(die_at: int | None) -> int:
        town, found = await small(tmp_path / f"step-{die_at}", die_at)
        world = town.world
        assert (found.state, found.devices) == ("complete", {"applied": 1})
        assert town.clients[0].files[-1] == FILE[:90]
        assert world.deaths == (die_at is not None)
        await world.check_invariants()
        await world.close()
        return world.steps.count

    steps = run_virtually(killed(None))
    assert steps > 60
    for die_at in range(0 if LARGE else 7, steps, 1 if LARGE else steps // 5):
        run_virtually(killed(die_at))
