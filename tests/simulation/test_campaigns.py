"""A campaign for a network of virtual devices, with frames lost, and the server killed on the way."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, select, update

from veldnet.assembly.campaigning import prepare_group
from veldnet.campaigns import (
    Campaign,
    CampaignGroupKeys,
    GroupOptions,
    NewCampaign,
    Options,
    create_campaign,
    get_campaign,
    remove_campaign,
)
from veldnet.domain.documents import PlanSettings
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, offers
from veldnet.inventory.devices import Wanted
from veldnet.inventory.groups import MulticastGroup
from veldnet.keys import ClearKey, labels
from veldnet.lorawan import frames
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.regions import REGIONS
from veldnet.network.core.multicast import GroupState, encode_group_state
from veldnet.simulator.update_client import Abilities, Answer, UpdateClient
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError
from veldnet.store.schema import campaign_devices, campaign_events, devices, multicast_groups
from veldnet.virtual import Conditions, Faults, Steps, VirtualNetwork
from veldnet.virtual.population import Kind

PLAN = "virtual-cs/multicast"
FILE = random.Random(5).randbytes(700)
LARGE = "VELDNET_SIMULATION_SEEDS" in os.environ


class Town:
    """Devices that have the packages; frames to them are lost as often as `loss` says."""

    def __init__(
        self,
        world: VirtualNetwork,
        loss: float = 0.1,
        content: bytes = FILE,
        abilities: Abilities | None = None,
    ) -> None:
        self.world, self.loss, self.content = world, loss, content
        self.abilities = abilities or Abilities()
        self.scope: Scope
        self.clients: list[UpdateClient] = []
        # The newest campaign, those before it that are to come to their end, and what lives.
        self.campaign = ""
        self.earlier: list[str] = []
        self.living: dict[str, asyncio.Task[None]] = {}

    async def begin(
        self,
        count: int,
        period: float,
        options: Options,
        *,
        stations: int = 2,
        joining: float = 0.0,
        only: int | None = None,
    ) -> None:
        """Create a campaign, after so many seconds in which devices join, for all or for some of them."""
        world = self.world
        await world.build(count, stations, period=period, confirmed_share=0.0, first=period)
        lossy = self._lossy
        for life in world.lives:
            client = UpdateClient(life.device.identity.app_key, world.rng, self.abilities)
            client.take, client.hear = lossy(client.take), lossy(client.hear)  # type: ignore[method-assign]
            life.updates = client
            self.clients.append(client)
        scope = await world.data.store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        self.scope = scope
        group = None
        if options.group is not None or options.package_version > 1:
            await self._keys()
        if options.group is not None:
            await self._plan()
            group, options = await self.group(options)
        if joining:
            self.begin_to_live()
            await asyncio.sleep(joining)
        euis = None if only is None else [str(life.device.identity.dev_eui) for life in world.lives[:only]]
        new = NewCampaign("Update", "firmware", self.content, options, euis, Wanted(), None, None, group)
        await self.create(new)

    async def create(self, new: NewCampaign) -> None:
        now = round(self.world.clock() * 1000)
        made = await self.world.data.store.write(lambda c: create_campaign(c, self.scope, new, now))
        if self.campaign:
            self.earlier.append(self.campaign)
        self.campaign = str(made.ref)

    def _lossy(self, take: Callable[..., list[Answer]]) -> Callable[..., list[Answer]]:
        return lambda *given: [] if self.world.rng.random() < self.loss else take(*given)

    async def _keys(self) -> None:
        """Root keys of devices of LoRaWAN 1.0.x."""
        vault, store = self.world.data.vault.of(""), self.world.data.store
        identities = [life.device.identity for life in self.world.lives]
        sealed = await vault.import_keys(
            [ClearKey(labels.gen_app_key(each.dev_eui), bytes(each.app_key)) for each in identities]
        )
        rows = [{"eui": str(each.dev_eui), "key": key} for each, key in zip(identities, sealed, strict=True)]
        change = update(devices).where(devices.c.dev_eui == bindparam("eui"))
        await store.write(lambda c: c.execute(change.values(sealed_gen_app_key=bindparam("key")), rows))

    async def _plan(self) -> None:
        def plan(connection: Connection) -> None:
            operator = accounts.find_operator(connection, "sandbox-ope")
            rules = PlanSettings(multicastInterLrrDelay=1, downlinkRate=0)
            ref = offers.create_connectivity_plan(connection, operator, PLAN, "Groups", rules, "MULTICAST")
            offers.grant_connectivity_plan(connection, self.scope.subscriber_ref, ref, 10)

        await self.world.data.store.write(plan)

    async def group(self, options: Options) -> tuple[CampaignGroupKeys, Options]:
        assert options.group is not None
        asked = MulticastGroup(
            deviceClass=options.group.group_class,
            connectivityPlanId=PLAN,
            downlinkDataRate=3,
            pingSlotPeriod=2 if options.group.group_class == "B" else UNSET,
        )
        here = self.world.server.platform
        return await prepare_group(here.store, here.vault, here.network.parameters, "Update", options, asked)

    async def again(self, options: Options) -> None:
        """Remove the campaign that has ended, and create one like it."""
        await self.world.data.store.write(lambda c: remove_campaign(c, self.scope, self.campaign))
        self.campaign = ""
        for client in self.clients:
            client.files.clear()
        group = None
        if options.group is not None:
            group, options = await self.group(options)
        content = self.content
        await self.create(
            NewCampaign("Again", "firmware", content, options, None, Wanted(), None, None, group)
        )

    async def chores(self) -> None:
        """What the leading node does every few seconds, in whichever server lives."""
        for second in itertools.count(2, 2):
            await asyncio.sleep(2)
            server = self.world.server
            if server.dead or not server.platform.supervisor:
                continue
            try:
                await server.platform.apply_changes()
                if second % 30 == 0:
                    await server.platform.coverage.take()
                await server.platform.campaigns.run()
            except (StoreError, asyncio.CancelledError):
                if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise

    async def run(self, seconds: float) -> Campaign:
        """Live until the campaigns are over, for so many seconds at most. Devices that have come to their end
        are switched off. Returns the newest campaign."""
        loop = asyncio.get_running_loop()
        if not self.living:
            self.begin_to_live()
        end = loop.time() + seconds
        while not await self.over() and loop.time() < end:
            await asyncio.sleep(60)
            for dev_eui in await self.world.data.store.read(ended_devices):
                self.living[dev_eui].cancel()
        await self.stop()
        return await self.look()

    async def over(self) -> bool:
        read = self.world.data.store.read
        found = [
            await read(partial(get_campaign, scope=self.scope, ref=ref))
            for ref in (self.campaign, *self.earlier)
        ]
        return all(each.state == "complete" for each in found)

    def begin_to_live(self) -> None:
        loop = asyncio.get_running_loop()
        self.living = {
            str(life.device.identity.dev_eui): loop.create_task(life.run()) for life in self.world.lives
        }
        self.living[""] = loop.create_task(self.chores())

    async def stop(self) -> None:
        for task in self.living.values():
            task.cancel()
        ended = await asyncio.gather(*self.living.values(), return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
        self.world.delivery_failures = 0.0
        await asyncio.sleep(60)

    async def look(self) -> Campaign:
        return await self.world.data.store.read(lambda c: get_campaign(c, self.scope, self.campaign))


def ended_devices(connection: Connection) -> list[str]:
    """Devices that are not under way any more."""
    query = select(devices.c.dev_eui).join(campaign_devices, campaign_devices.c.device_ref == devices.c.ref)
    return list(connection.execute(query.where(campaign_devices.c.due_at.is_(None))).scalars())


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


GROUP = GroupOptions(lead=60, gathering=600)


long = pytest.mark.skipif(not LARGE, reason="takes a minute: make simulation")


@pytest.mark.parametrize(
    ("group_class", "version"),
    [("C", 2), pytest.param("C", 1, marks=long), pytest.param("B", 1, marks=long)],
)
def test_a_group_of_devices_gets_the_file(
    tmp_path: Path, group_class: Literal["B", "C"], version: Literal[1, 2]
) -> None:
    async def story() -> None:
        die_at = 60 if (group_class, version) == ("C", 2) else None
        world = VirtualNetwork(tmp_path, 3, steps=Steps(die_at), conditions=conditions("A"))
        town = Town(world, content=FILE[:200], abilities=Abilities(version=version))
        group = replace(GROUP, group_class=group_class)
        await town.begin(2, 20, replace(OPTIONS, group=group, package_version=version))
        # As after restores of backups: devices need to be told what stands above the 16 bits on the air.
        spent = encode_group_state(GroupState(fcnt_down=100_000))
        await world.data.store.write(lambda c: c.execute(update(multicast_groups).values(state=spent)))
        for each in world.airs["EU868"].base_stations:
            # Class B needs its time.
            each.gps = True
        found = await town.run(7200)
        assert (found.state, found.devices) == ("complete", {"applied": 2})
        assert all(client.files[-1] == FILE[:200] and not client.groups for client in town.clients)
        # The fragments went to all of them at once, and the group is gone with the campaign.
        assert all(client.of_group >= 3 for client in town.clients)
        assert world.deaths == (die_at is not None)
        store = world.data.store
        assert not await store.read(lambda c: c.execute(select(multicast_groups.c.ref)).all())
        await world.check_invariants()
        await world.close()

    run_virtually(story())


@long
def test_devices_that_take_class_b_for_class_c_get_the_file_alone(tmp_path: Path) -> None:
    """As LoRaMac-node does: they hear none of the fragments in ping slots, and lose some of those that come
    to each alone."""

    async def story() -> None:
        world = VirtualNetwork(tmp_path, 3, conditions=conditions("A"))
        town = Town(world, content=FILE[:200], abilities=Abilities(class_b_for_c=True))
        group = replace(GROUP, group_class="B", sessions=1)
        await town.begin(2, 20, replace(OPTIONS, group=group))
        for each in world.airs["EU868"].base_stations:
            each.gps = True
        found = await town.run(14_400)
        assert (found.state, found.devices) == ("complete", {"applied": 2})
        assert all(client.files[-1] == FILE[:200] and not client.of_group for client in town.clients)
        await world.check_invariants()
        await world.close()

    run_virtually(story())


@long
@pytest.mark.parametrize("seed", range(3, 9))
def test_campaigns_at_the_same_time_share_what_a_base_station_may_send(tmp_path: Path, seed: int) -> None:
    """Each of two devices gets its file by a group of its own, whichever is done first."""

    async def story() -> None:
        world = VirtualNetwork(
            tmp_path, seed, conditions=conditions("A"), faults=Faults(loss=0.0, duplicates=0.0)
        )
        town, on_air = Town(world, loss=0.0), frames_on_air(world)
        group = GroupOptions(lead=60, gathering=600)
        options = replace(OPTIONS, duty_cycle_share=1.0, group=group)
        await town.begin(2, 20, options, stations=1, joining=300, only=1)
        mine, options = await town.group(options)
        second = str(world.lives[1].device.identity.dev_eui)
        await town.create(NewCampaign("B", "firmware", FILE, options, [second], None, None, None, mine))
        addresses = select(multicast_groups.c.dev_addr)
        groups = set(await world.data.store.read(lambda c: c.execute(addresses).scalars()))
        found = await town.run(20_000)
        assert (found.state, found.devices) == ("complete", {"applied": 1})
        assert all(client.files[-1] == FILE and client.of_group >= 15 for client in town.clients)
        sent = [each for each in on_air if each[1] in groups]
        assert Counter(address for _, address, _ in sent) == dict.fromkeys(groups, 18)
        # Together they take one percent, but for one at the beginning.
        span = max(at for at, _, _ in sent) - min(at for at, _, _ in sent)
        assert sum(airtime for _, _, airtime in sent[1:]) / span < 0.0101
        await world.close()

    run_virtually(story())


def frames_on_air(world: VirtualNetwork) -> list[tuple[float, int, float]]:
    """When downlinks were sent, to which address, and the seconds that one takes at DR3."""
    found: list[tuple[float, int, float]] = []
    on_air, modulation = world.checker.on_air, REGIONS["EU868"].downlink[3].modulation

    def see(phy_payload: bytes) -> None:
        frame = frames.parse(phy_payload)
        if isinstance(frame, frames.DataFrame):
            airtime = time_on_air(modulation, len(phy_payload), crc=False) / 1000
            found.append((world.clock(), int(frame.dev_addr), airtime))
        on_air(phy_payload)

    world.checker.on_air = see  # type: ignore[method-assign]
    return found


def test_many_devices_of_a_group_at_ten_percent_loss(tmp_path: Path) -> None:
    async def story() -> None:
        world = VirtualNetwork(
            tmp_path, 3, conditions=conditions("A"), faults=Faults(loss=0.0, duplicates=0.0)
        )
        town, soon = Town(world), 130
        group = GroupOptions(lead=soon, gathering=480, sessions=1)
        options = replace(OPTIONS, answer_timeout=soon, fragment_size=100, group=group)
        await town.begin(6, 60, options)
        reads = counted_reads(world)
        began = world.clock()
        found = await town.run(86_400)
        assert (found.state, found.devices) == ("complete", {"applied": 6})
        assert all(client.files[-1] == FILE for client in town.clients)
        # Rounds are two seconds apart. One reads once, however many devices there are, and not where
        # nothing is due.
        assert reads["read_round"] < (world.clock() - began) / 4
        await world.close()

    run_virtually(story())


@pytest.mark.skipif(not LARGE, reason="takes several minutes: make simulation")
def test_a_thousand_devices_of_a_group_at_ten_percent_loss(tmp_path: Path) -> None:
    """They join first, which takes what four base stations may send in an hour; then they are set up at the
    pace of these. Nobody times out for want of air time."""

    async def story() -> None:
        world = VirtualNetwork(
            tmp_path, 3, conditions=conditions("A"), faults=Faults(loss=0.0, duplicates=0.0)
        )
        town = Town(world)
        group = GroupOptions(lead=4000, gathering=86_400, sessions=3)
        options = replace(OPTIONS, answer_timeout=4000, fragment_size=100, redundancy=50, group=group)
        await town.begin(1000, 1800, options, stations=4, joining=7200)
        made = (await town.look()).options.group
        assert made is not None and made.set_up > 1800
        found = await town.run(48 * 3600)
        assert (found.state, found.devices) == ("complete", {"applied": 1000})
        assert all(client.files[-1] == FILE for client in town.clients)
        await world.close()

    run_virtually(story())


def counted_reads(world: VirtualNetwork) -> Counter[str]:
    """What campaigns read from the store, by the name of the query."""
    runner, names = world.server.platform.campaigns, Counter[str]()
    store = runner._store
    read = store.read

    async def counted(query: Callable[..., Any]) -> Any:
        names[getattr(query, "func", query).__name__] += 1
        return await read(query)

    store.read = counted  # type: ignore[method-assign]
    return names


async def killed_again_and_again(directory: Path, every: int, options: Options) -> int:
    """One campaign after the other, and the server is killed at a later step in each: whatever step is its
    last one, another goes on. Returns how many there were."""
    world = VirtualNetwork(directory, 4, conditions=conditions("A"))
    town, steps, deaths = Town(world, content=FILE[:90]), world.steps, 0
    steps.writes = True
    await town.begin(1, 20, options)
    town.begin_to_live()
    for at in itertools.count(0, every):
        end = world.clock() + 7200
        while (found := await town.look()).state != "complete" and world.clock() < end:
            await asyncio.sleep(20)
        assert (found.state, found.devices) == ("complete", {"applied": 1}), at
        assert town.clients[0].files[-1] == FILE[:90] and not town.clients[0].groups, at
        assert not await world.data.store.read(lambda c: c.execute(select(multicast_groups.c.ref)).all())
        if at and world.deaths == deaths:
            # It had fewer steps.
            break
        deaths, steps.die_at = world.deaths, steps.count + at
        await town.again(options)
    await town.stop()
    await world.check_invariants()
    await world.close()
    return deaths


def test_killed_on_the_way(tmp_path: Path) -> None:
    every = 1 if LARGE else 50
    assert run_virtually(killed_again_and_again(tmp_path, every, OPTIONS)) * every > 60


WITH_GROUP = replace(OPTIONS, group=GROUP)


@long
def test_killed_at_every_step_of_a_campaign_with_a_group(tmp_path: Path) -> None:
    assert run_virtually(killed_again_and_again(tmp_path, 1, WITH_GROUP)) > 60
