"""Partitions go from one network server to another while devices send: planned, and with the one that gives
killed at each step."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.unit.network.quiet import HERE, QuietNetwork
from veldnet.cluster import Membership, Ownership
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.network.core import DownlinkRecord, DownlinkRequest, UplinkRecord
from veldnet.network.core.transmission import Done
from veldnet.network.shell import NetworkServer, Runtime, ServerOptions
from veldnet.simulator.device import VirtualDevice
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import NewNode, NotServed, SqliteStore, StoreError
from veldnet.supervision import Supervisor
from veldnet.virtual.mortal import MortalStore


class Node:
    """A network server of a node, over a store of its own, which dies at one of its steps."""

    def __init__(self, pair: Pair, name: str) -> None:
        self.pair, self.name = pair, name
        # What a `MortalStore` asks of its server.
        self.world: Any = pair
        self.steps: Any = self
        self.dead = False
        self.count, self.die_at = 0, -1
        self.store = SqliteStore(Path(pair.world.data.store.name), inline=True, clock=pair.world.clock)
        self.supervisor = Supervisor(expected=(StoreError,))
        runtime = Runtime(pair.world.clock, self.store.ids, random.Random(1), self.supervisor)
        options = ServerOptions(shared=True, node_lives=self.lives)
        store = MortalStore(self.store, self)  # type: ignore[arg-type]
        self.network = NetworkServer(
            pair.world.server.platform.network.parameters,
            store,
            pair.world.data.vault,
            runtime,
            self.send,
            options,
        )
        self.network.commits.join(pair.world.checker.participant())
        self.network.forward_outcomes(pair.ended)
        self.ownership = Ownership(
            name,
            self,
            [self.network.partitions],
            self.supervisor,
            partitions=self.network.addresses.partitions,
        )
        self.membership = Membership(
            NewNode(name, "1", frozenset({"network"})),
            self.store.nodes,
            self.ownership,
            self.supervisor,
            pair.world.clock,
        )
        self.network.commits.on_lease_lost = self.membership.hurry

    def lives(self, number: int) -> bool:
        return self.ownership.lives(number)

    # Leases, as steps.

    @property
    def epochs(self) -> Any:
        return self.store.nodes.epochs

    def lose(self, partitions: Any) -> None:
        self.store.nodes.lose(partitions)

    async def take(self, partitions: Any) -> frozenset[int]:
        await self.step("before taking")
        return await self.store.nodes.take(partitions)

    async def release(self, partitions: Any) -> None:
        await self.step("before release")
        await self.store.nodes.release(partitions)
        await self.step("after release")

    # Steps.

    def call(self, _name: str) -> None: ...

    async def alive(self) -> None:
        if self.dead:
            raise asyncio.CancelledError

    async def step(self, _name: str) -> None:
        await self.alive()
        self.count += 1
        if self.count == self.die_at:
            self.die()
            await self.alive()

    def die(self) -> None:
        self.dead = True
        self.membership.close()
        self.network.close()

    def send(self, downlink: GatewayDownlink) -> None:
        self.pair.world.checker.on_air(downlink.phy_payload)
        self.pair.on_air.append((self.name, downlink))
        report = TransmitReport(downlink.token, downlink.base_station, None)
        loop = asyncio.get_running_loop()
        loop.call_later(self.pair.report_after, self.network.transmit_reported, report)

    async def start(self) -> None:
        await self.network.start()
        await self.membership.start()


class Pair:
    """Two nodes that serve one device."""

    def __init__(self, world: QuietNetwork) -> None:
        self.world = world
        self.steps = self
        self.on_air: list[tuple[str, GatewayDownlink]] = []
        self.report_after = 0.01
        self.nodes = [Node(self, name) for name in "ab"]

    def call(self, _name: str) -> None: ...

    def owner(self, partition: int) -> Node | None:
        living = (node for node in self.nodes if not node.dead)
        return next((node for node in living if node.ownership.mine(partition)), None)

    def ended(self, partition: int, device_ref: int, token: int, outcome: Done) -> None:
        owner = self.owner(partition)
        if owner is not None:
            owner.network.downlink_ended(device_ref, token, outcome)

    def partition(self, device: VirtualDevice) -> int:
        return self.nodes[0].network.addresses.partition_of_device(device.identity.dev_eui)

    async def bring(self, device: VirtualDevice, phy_payload: bytes) -> None:
        """A frame, which waits for an owner for a while."""
        now = self.world.clock()
        stamp = int(now * 1_000_000) & 0xFFFFFFFF
        uplink = GatewayUplink(HERE, phy_payload, 868_100_000, Lora(7, 125), -90, 5, stamp, now)
        for _look in range(40):
            owner = self.owner(self.partition(device))
            if owner is not None:
                owner.network.receive(uplink)
                return
            await asyncio.sleep(0.05)

    async def join(self, device: VirtualDevice) -> None:
        await self.bring(device, device.join_request().phy_payload)
        await asyncio.sleep(1.5)
        device.receive(self.on_air[-1][1].phy_payload)
        assert device.joined

    async def talk(self, device: VirtualDevice, seconds: float) -> int:
        """Confirmed uplinks, one each 0.7 s; returns how many."""
        sent = 0
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            begun = len(self.on_air)
            phy = device.uplink(1, b"%d" % sent, confirmed=sent % 2 == 0).phy_payload
            bringing = asyncio.ensure_future(self.bring(device, phy))
            await asyncio.sleep(0.7)
            await bringing
            for _name, downlink in self.on_air[begun:]:
                device.receive(downlink.phy_payload)
            sent += 1
        return sent

    async def records(self) -> list[Any]:
        return await self.world.records()

    async def end(self) -> None:
        for node in self.nodes:
            if not node.dead:
                node.die()
            await node.supervisor.stop()
            await node.store.close()
        await self.world.close()


async def begin(directory: Path) -> tuple[Pair, VirtualDevice]:
    """A device that has joined at the only node."""
    world = QuietNetwork(directory, 3)
    await world.build(1)
    pair = Pair(world)
    await pair.nodes[0].start()
    await asyncio.sleep(2)
    device = world.lives[0].device
    await pair.join(device)
    return pair, device


async def move(pair: Pair, device: VirtualDevice) -> None:
    """The second node comes, and gets the partition of the device if that is not the first one's to keep."""
    await pair.nodes[1].start()
    await asyncio.sleep(1)
    first = pair.nodes[0]
    if not first.dead and first.ownership.mine(pair.partition(device)):
        await first.membership.stop()
        first.dead = True


async def told(directory: Path, die_at: int) -> tuple[int, bool, Counter[str], int]:
    pair, device = await begin(directory)
    first = pair.nodes[0]
    first.count, first.die_at = 0, die_at
    moving = asyncio.ensure_future(move(pair, device))
    sent = await pair.talk(device, 7)
    await moving
    died = first.count >= die_at > 0
    before = await pair.talk(device, 6)
    assert pair.owner(pair.partition(device)) is pair.nodes[1]
    records = await pair.records()
    uplinks = [record for record in records if isinstance(record, UplinkRecord)]
    outcomes = Counter(record.outcome for record in uplinks)
    pair.world.checker.check_journal(records)
    assert not pair.world.checker.broken
    await pair.end()
    return sent + before, died, outcomes, first.count


def test_a_planned_hand_over_loses_nothing(tmp_path: Path) -> None:
    sent, died, outcomes, _steps = run_virtually(told(tmp_path, -1))
    assert not died and sent >= 18
    assert outcomes == {"accepted": sent}


@pytest.mark.parametrize("die_at", range(1, 7))
def test_whichever_step_it_dies_at_no_counter_is_used_twice(tmp_path: Path, die_at: int) -> None:
    sent, died, outcomes, steps = run_virtually(told(tmp_path, die_at))
    assert died, f"the first node made {steps} steps"
    # A lease, and the wait of frames for an owner, are shorter than what is sent after.
    assert sent >= outcomes["accepted"] >= sent - 8 and set(outcomes) == {"accepted"}


def test_outcomes_of_downlinks_come_from_the_node_that_sent_them(tmp_path: Path) -> None:
    async def story() -> None:
        pair, device = await begin(tmp_path)
        pair.report_after = 3.0
        first, second = pair.nodes
        request = DownlinkRequest(fport=2, payload=b"x")
        assert await first.network.requests.submit(device.identity.dev_eui, request) is None
        await pair.talk(device, 0.7)
        ref = next(iter(first.network.devices._entries))
        entry = first.network.devices.by_ref(ref)
        assert entry is not None and entry.state.in_flight
        await second.start()
        moving = asyncio.ensure_future(first.ownership.give_all())
        await moving
        await asyncio.sleep(1.0)
        with pytest.raises(NotServed):
            await first.network.requests.inspect(ref)
        # What changes in the inventory is for the node that serves the device.
        await first.network.inventory.devices_changed([ref])
        assert first.network.devices.by_ref(ref) is None
        await pair.talk(device, 4)
        sent = [record for record in await pair.records() if isinstance(record, DownlinkRecord)]
        assert [record.delivered for record in sent if record.fport == 2] == [True]
        await pair.end()

    run_virtually(story())
