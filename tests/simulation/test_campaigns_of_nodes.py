"""Campaigns over several nodes: whoever leads goes on with them, and each device gets its file."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from tests.simulation.test_campaigns import FILE, GROUP, OPTIONS, Town, conditions
from veldnet.campaigns import Options
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError
from veldnet.store.schema import campaign_events, multicast_groups
from veldnet.virtual import ClusterFaults, Faults, VirtualCluster

pytestmark = pytest.mark.skipif(
    "VELDNET_SIMULATION_SEEDS" not in os.environ, reason="takes a minute: make test-cluster"
)
# Seconds from one fate to the next.
EVERY = 97.0


class TownOfNodes(Town):
    """The chores of a node are done by each, and those of the installation by the one that leads."""

    world: VirtualCluster

    async def chores(self) -> None:
        for second in itertools.count(2, 2):
            await asyncio.sleep(2)
            for name in self.world.names:
                await self._chores_of(name, second)

    async def _chores_of(self, name: str, second: int) -> None:
        node = self.world.nodes[name]
        platform = node.platform
        if node.dead or node.paused or not platform.supervisor:
            return
        try:
            await platform.apply_changes()
            if platform.roles.leads:
                if second % 30 == 0:
                    await platform.coverage.take()
                await platform.campaigns.run()
        except (StoreError, asyncio.CancelledError):
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise

    def leader(self) -> str | None:
        leading = [n for n in self.world.living() if n.platform.roles.leads]
        return leading[0].name if leading else None

    async def strike(self, fate: Callable[[str], None]) -> None:
        """Have whoever leads meet its fate again and again."""
        while True:
            await asyncio.sleep(EVERY)
            name = self.leader()
            if name is not None:
                fate(name)


@pytest.mark.parametrize("fate", ["kill", "stop", "pause", "split"])
@pytest.mark.parametrize("options", [OPTIONS, replace(OPTIONS, group=GROUP)], ids=["alone", "group"])
def test_a_campaign_goes_on_at_the_next_node(tmp_path: Path, fate: str, options: Options) -> None:
    async def story() -> None:
        world = VirtualCluster(
            tmp_path,
            5,
            nodes=ClusterFaults(),
            faults=Faults(loss=0.0, duplicates=0.0, slow=0.0, delivery_failures=0.0),
            conditions=conditions("A"),
        )
        town = TownOfNodes(world, content=FILE[:300])
        await town.begin(3, 20, options, stations=3)
        fates: dict[str, Callable[[str], None]] = {
            "kill": world.kill,
            "stop": world.stop,
            "pause": lambda name: world.pause(name, 12.0),
            "split": lambda name: world.split((name,), 12.0),
        }
        town.begin_to_live()
        striking = asyncio.create_task(town.strike(fates[fate]))
        found = await town.run(14_400)
        striking.cancel()
        assert (found.state, found.devices) == ("complete", {"applied": 3})
        assert all(client.files[-1] == FILE[:300] and not client.groups for client in town.clients)
        store = world.data.store
        assert not await store.read(lambda c: c.execute(select(campaign_events.c.id)).all())
        assert not await store.read(lambda c: c.execute(select(multicast_groups.c.ref)).all())
        assert world.events[fate] >= 3, "it was under way for several of them"
        await world.check_invariants()
        await world.close()

    run_virtually(story())
