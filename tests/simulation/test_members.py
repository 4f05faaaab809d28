"""Members of a multicast group of class B: they are given its key over the air, and take its frames in ping
slots."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from veldnet.assembly import member_set_up, multicast
from veldnet.assembly.network_settings import network_parameters
from veldnet.domain.documents import PlanSettings
from veldnet.inventory import accounts, groups, offers
from veldnet.keys import ClearKey, labels
from veldnet.lorawan import DevAddr, DevEui
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.packages import PackageCommand, serialise
from veldnet.lorawan.packages.multicast_setup import McClassBSessionReq
from veldnet.network.core import DownlinkRequest
from veldnet.simulator.life import DeviceLife
from veldnet.simulator.update_client import UpdateClient
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store.schema import devices
from veldnet.virtual import Conditions, Faults, VirtualNetwork
from veldnet.virtual.population import Kind

GROUP = DevEui.parse("0059AC00AF00000B")
ADDRESS = DevAddr(0x00123457)
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
PLAN = "virtual-cs/multicast"
# Of EU868: the frequency and data rate of its ping slots. A slot every 2^1 s, for 2^4 beacon periods.
FREQUENCY, DATA_RATE, PERIODICITY, TIMEOUT = 869_525_000, 3, 1, 4


class Harbour:
    """Devices of class B of which the first is a member of a group of class B."""

    def __init__(self, world: VirtualNetwork) -> None:
        self.world = world
        self.ref = ""

    async def begin(self) -> None:
        world = self.world
        await world.build(2, stations=2, period=20, confirmed_share=0.0, first=5)
        for station in world.airs["EU868"].base_stations:
            station.gps = True
        store, vault = world.data.store, world.data.vault
        scope = await store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        for life in world.lives:
            life.updates = UpdateClient(life.device.identity.app_key, world.rng)
        member = world.lives[0].device.identity
        (sealed,) = await vault.of("").import_keys(
            [ClearKey(labels.gen_app_key(member.dev_eui), bytes(member.app_key))]
        )

        def prepare(connection: Any) -> None:
            mine = update(devices).where(devices.c.dev_eui == str(member.dev_eui))
            connection.execute(mine.values(sealed_gen_app_key=sealed))
            operator = accounts.find_operator(connection, "sandbox-ope")
            rules = PlanSettings(downlinkRate=0)
            ref = offers.create_connectivity_plan(connection, operator, PLAN, "Groups", rules, "MULTICAST")
            offers.grant_connectivity_plan(connection, scope.subscriber_ref, ref, 1)

        await store.write(prepare)
        body = groups.MulticastGroup(
            EUI=str(GROUP),
            name="Harbour",
            deviceClass="B",
            pingSlotPeriod=1 << PERIODICITY,
            networkAddress=str(ADDRESS),
            multicastKey=KEY,
            connectivityPlanId=PLAN,
        )
        new = groups.check_new_group(body, network_parameters(world.settings.network).channel_plans)
        keys = await multicast.seal_keys(vault.of(""), new, ADDRESS)
        made = await store.write(lambda c: groups.create_group(c, scope, new, ADDRESS, keys))
        self.ref = str(made.ref)
        group = await store.read(lambda c: groups.own_group(c, scope, self.ref))
        added = await store.write(lambda c: groups.add_members(c, scope, group, [str(member.dev_eui)]))
        assert added == 1
        await world.server.platform.apply_changes()

    async def set_up(self) -> PackageCommand:
        """What gives the member the key."""
        world, platform = self.world, self.world.server.platform
        member = world.lives[0].device.identity

        def read(connection: Any) -> member_set_up.Membership:
            scope = accounts.scope_of_user(connection, 1)
            assert scope is not None
            mine = select(devices.c.ref).where(devices.c.dev_eui == str(member.dev_eui))
            device = str(connection.execute(mine).scalar_one())
            counter = platform.network.groups.next_counter
            return member_set_up.read_membership(connection, scope, self.ref, device, counter)

        at = await world.data.store.read(read)
        return await member_set_up.set_up_request(world.data.store, world.data.vault, at, 1)

    async def tell(self, life: DeviceLife, command: PackageCommand) -> None:
        """Send a device a command of TS005, and let it come."""
        request = DownlinkRequest(fport=200, payload=serialise([command]))
        requests = self.world.server.platform.network.requests
        assert await requests.submit(life.device.identity.dev_eui, request) is None
        await asyncio.sleep(60)

    async def send(self, payload: bytes) -> None:
        """A downlink to the group."""
        request = DownlinkRequest(fport=9, payload=payload)
        assert await self.world.server.platform.network.requests.submit(GROUP, request) is None
        await asyncio.sleep(30)


def test_a_member_of_class_b_takes_what_its_group_is_sent(tmp_path: Path) -> None:
    async def story() -> None:
        conditions = Conditions(kinds=(Kind("1.0.3", "B"),), downlinks_every=(1e6, 1e6))
        faults = Faults(loss=0.0, duplicates=0.0)
        world = VirtualNetwork(tmp_path, 3, conditions=conditions, faults=faults)
        harbour = Harbour(world)
        await harbour.begin()
        living = [asyncio.get_running_loop().create_task(life.run()) for life in world.lives]
        await asyncio.sleep(120)
        member, other = (life.updates for life in world.lives)
        assert member is not None and other is not None
        await harbour.tell(world.lives[0], await harbour.set_up())
        assert member.groups[1].address == ADDRESS
        begins = int(unix_to_gps(world.clock())) // 128 * 128 + 2 * 128
        listen = McClassBSessionReq(1, begins, PERIODICITY, TIMEOUT, FREQUENCY, DATA_RATE)
        for life in world.lives:
            await harbour.tell(life, listen)
        # The other one has not the key, and no group to listen to.
        assert member.listening is not None and other.listening is None
        await asyncio.sleep(begins + 10 - unix_to_gps(world.clock()))
        for payload in (b"open", b"close"):
            await harbour.send(payload)
            assert member.last_of_group == (9, payload)
        assert (member.of_group, other.of_group) == (2, 0)
        # Beside its group it has its own ping slots.
        request = DownlinkRequest(fport=7, payload=b"to you alone")
        requests = world.server.platform.network.requests
        assert await requests.submit(world.lives[0].device.identity.dev_eui, request) is None
        await asyncio.sleep(15)
        assert world.lives[0].received[-1].payload == b"to you alone"
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)
        await world.check_invariants()
        await world.close()

    run_virtually(story())
