"""Two nodes: one has the base stations, or some of them, and the other one serves the devices."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.network.quiet import HERE, THERE, QuietNetwork
from veldnet.cluster import ClusterFrames, ClusterRequests, OwnerCalls, Wire
from veldnet.gateways import Hub, Presence
from veldnet.gateways.interface import MessageCounts
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow
from veldnet.network.core import DownlinkRecord, DownlinkRequest, UplinkRecord
from veldnet.network.shell import NetworkServer, Runtime, ServerOptions, UnknownDevice
from veldnet.simulator.device import VirtualDevice
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import IdSource
from veldnet.supervision import Supervisor


class Radio:
    """A protocol whose base stations send whatever they are given."""

    plans_both = False

    def __init__(self, name: str, *, authenticates: bool = True) -> None:
        self.name = name
        self.authenticates = authenticates
        self.counts = MessageCounts(Counter(), Counter(), Counter())
        self.on_air: list[GatewayDownlink] = []
        self.report: Callable[[TransmitReport], None]

    async def start(self, sock: Any) -> None: ...

    async def stop(self) -> None: ...

    def lag(self, now: float) -> float:
        return 0.0

    def problem(self, now: float) -> str | None:
        return None

    def transmit(self, downlink: GatewayDownlink) -> None:
        self.on_air.append(downlink)
        report = TransmitReport(downlink.token, downlink.base_station, None)
        asyncio.get_running_loop().call_soon(self.report, report)


class Partitions:
    """Says who owns everything."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.owns: str | None = "b"
        self.listeners: list[Callable[[], None]] = []

    def owner(self, partition: int) -> str | None:
        return self.owns

    def mine(self, partition: int) -> bool:
        return self.owns == self.node

    def node_changed(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)

    def change(self, owner: str | None) -> None:
        self.owns = owner
        for listener in self.listeners:
            listener()


class Node:
    """What a node has between its base stations and its network server. Its clock is ahead by so much."""

    def __init__(self, wire: Wire, name: str, network: NetworkServer, clock: Callable[[], float]) -> None:
        supervisor = Supervisor()
        self.clock = clock
        self.network = network
        self.bus = wire.bus(name, supervisor)
        self.partitions = Partitions(name)
        self.frames = ClusterFrames(self.bus, self.partitions, network, network.addresses, clock, supervisor)
        directory: Any = None
        self.hub = Hub(self.frames, directory, Presence(), clock, supervisor.caught)
        self.frames.serve(self.hub, network.air)
        self.radio = Radio(name)
        self.radio.report = self.frames.transmit_reported
        self.supervisor = supervisor

    async def start(self, *base_stations: BaseStationId) -> None:
        await self.bus.start()
        self.frames.start()
        for base_station in base_stations:
            self.hub.connected(self.radio, base_station)

    def bring(self, phy_payload: bytes, station: BaseStationId, *, snr: float = 5) -> None:
        """A base station of this node has heard a frame."""
        now = self.clock()
        stamp = int(now * 1_000_000) & 0xFFFFFFFF
        uplink = GatewayUplink(station, phy_payload, 868_100_000, Lora(7, 125), -90, snr, stamp, now)
        self.hub.uplink(uplink)

    async def stop(self) -> None:
        await self.supervisor.stop()
        self.frames.close()
        await self.bus.stop()


class TwoNodes:
    """Node b is the platform and serves all devices; node a has a network server without partitions, and its
    clock is an hour ahead."""

    def __init__(self, world: QuietNetwork, wire: Wire) -> None:
        self.world = world
        platform = world.server.platform

        def ahead() -> float:
            return world.clock() + 3600.0

        runtime = Runtime(ahead, IdSource(1), random.Random(1), Supervisor())
        idle = NetworkServer(
            world.network.parameters, platform.store, platform.vault, runtime, self._never, ServerOptions()
        )
        self.a = Node(wire, "a", idle, ahead)
        self.b = Node(wire, "b", world.network, world.clock)
        world.__dict__["send"] = self.b.frames.transmit

    def _never(self, _downlink: GatewayDownlink) -> None:
        raise AssertionError("node a decides on nothing")

    @property
    def device(self) -> VirtualDevice:
        return self.world.lives[0].device

    async def join(self) -> None:
        self.a.bring(self.device.join_request().phy_payload, HERE)
        await asyncio.sleep(6)
        self.device.receive(self.a.radio.on_air[-1].phy_payload)
        assert self.device.joined

    async def records(self) -> list[Any]:
        await self.world.network.commits.drain()
        return await self.world.records()

    async def stop(self) -> None:
        await self.a.stop()
        await self.b.stop()
        await self.world.close()


class Sends(QuietNetwork):
    def transmit(self, server: Any, downlink: GatewayDownlink) -> None:
        self.__dict__["send"](downlink)


def tell(tmp_path: Path, story: Callable[[TwoNodes], Any], wire: Wire | None = None) -> None:
    async def whole() -> None:
        world = Sends(tmp_path, 1)
        await world.build(1, stations=2)
        nodes = TwoNodes(world, wire or Wire())
        await story(nodes)
        await nodes.stop()

    run_virtually(whole())


def downlinks(records: list[Any]) -> list[DownlinkRecord]:
    return [record for record in records if isinstance(record, DownlinkRecord)]


def test_frame_heard_at_one_node_is_served_by_the_other_and_answered_there(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start()
        await nodes.a.start(HERE)
        await nodes.join()
        nodes.a.bring(nodes.device.uplink(1, b"x", confirmed=True).phy_payload, HERE)
        await asyncio.sleep(5)
        accept, answer = nodes.a.radio.on_air
        assert nodes.b.radio.on_air == []
        # By the clock of the node that transmits, and exactly by that of its base station.
        assert accept.window.slot == answer.window.slot == 1
        received = [r for r in await nodes.records() if isinstance(r, UplinkRecord)]
        assert len(received) == 1 and abs(received[0].time + 3600.0 - (answer.window.opens_at - 1)) < 0.01
        assert all(record.delivered for record in downlinks(await nodes.records()))
        assert nodes.a.frames.counts["uplinks_forwarded"] == 2
        assert nodes.b.frames.counts["downlinks_forwarded"] == 2

    tell(tmp_path, story)


def test_copies_of_a_frame_meet_at_its_owner_and_the_best_station_answers(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start(THERE)
        await nodes.a.start(HERE)
        await nodes.join()
        frame = nodes.device.uplink(1, b"x", confirmed=True).phy_payload
        nodes.b.bring(frame, THERE, snr=9)
        await asyncio.sleep(0.05)
        nodes.a.bring(frame, HERE)
        await asyncio.sleep(5)
        received = [r for r in await nodes.records() if isinstance(r, UplinkRecord)]
        assert [len(record.copies) for record in received] == [2]
        assert len(nodes.a.radio.on_air) + len(nodes.b.radio.on_air) == 2

    tell(tmp_path, story)


def test_duty_cycle_of_the_holder_decides_and_the_next_station_is_tried(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start(THERE)
        await nodes.a.start(HERE)
        await nodes.join()
        # What only node a knows: its base station has used up its hour.
        air, now = nodes.a.network.air, nodes.a.clock()
        for frequency in (868_100_000, 869_525_000):
            used = TransmitWindow(HERE, 1, frequency, Lora(12, 125), now - 100, 14, timestamp=1)
            for token in range(400):
                air.book(used, 51, token, now - 100)
        on_air = len(nodes.a.radio.on_air)
        frame = nodes.device.uplink(1, b"x", confirmed=True).phy_payload
        nodes.a.bring(frame, HERE, snr=9)
        nodes.b.bring(frame, THERE, snr=-5)
        await asyncio.sleep(5)
        assert len(nodes.a.radio.on_air) == on_air
        assert [frame.window.base_station for frame in nodes.b.radio.on_air] == [THERE]
        answer = downlinks(await nodes.records())[-1]
        assert answer.delivered and answer.slot == 1, answer
        assert "DUTY_CYCLE_OVERFLOW" in answer.decisions[0]

    tell(tmp_path, story)


def test_frames_wait_five_seconds_for_an_owner(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start()
        await nodes.a.start(HERE)
        await nodes.join()
        nodes.a.partitions.change(None)
        nodes.a.bring(nodes.device.uplink(1, b"1").phy_payload, HERE)
        await asyncio.sleep(4.9)
        nodes.a.partitions.change("b")
        await asyncio.sleep(1)
        nodes.a.partitions.change(None)
        nodes.a.bring(nodes.device.uplink(1, b"2").phy_payload, HERE)
        await asyncio.sleep(5.1)
        nodes.a.partitions.change("b")
        await asyncio.sleep(1)
        received = [r for r in await nodes.records() if isinstance(r, UplinkRecord)]
        assert [record.fcnt for record in received] == [1 if received[0].fcnt else 0]
        assert nodes.a.frames.counts["no_owner"] == 1

    tell(tmp_path, story)


def test_frames_to_an_owner_that_is_not_there_wait_for_the_next_one(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start()
        await nodes.a.start(HERE)
        await nodes.join()
        # Node b is off the wire, and the map says for a while yet that it is the owner.
        await nodes.b.bus.stop()
        nodes.a.bring(nodes.device.uplink(1, b"1").phy_payload, HERE)
        nodes.a.bring(nodes.device.uplink(1, b"2").phy_payload, HERE)
        for _beat in range(3):
            await asyncio.sleep(1)
            nodes.a.partitions.change("b")
        await nodes.b.bus.start()
        await asyncio.sleep(0.5)
        nodes.a.partitions.change("b")
        await asyncio.sleep(1)
        received = [r for r in await nodes.records() if isinstance(r, UplinkRecord)]
        assert len(received) == 2 and received[0].fcnt + 1 == received[1].fcnt
        assert nodes.a.frames.counts["no_owner"] == 0 and nodes.a.bus.counts.returned["uplinks"] >= 3

    tell(tmp_path, story)


@pytest.mark.parametrize("known", ["at once", "by its lease"])
def test_downlink_to_a_node_that_has_just_died_ends_soon(tmp_path: Path, known: str) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start(THERE)
        await nodes.a.start(HERE)
        await nodes.join()
        frame = nodes.device.uplink(1, b"x", confirmed=True).phy_payload
        nodes.a.bring(frame, HERE, snr=9)
        nodes.b.bring(frame, THERE, snr=-5)
        await asyncio.sleep(0.1)
        asked = asyncio.get_running_loop().time()
        if known == "at once":
            # NATS says that nobody is there, so that the next base station still is in time.
            await nodes.a.bus.stop()
            await asyncio.sleep(3)
            answer = downlinks(await nodes.records())[-1]
            assert answer.delivered and answer.slot == 1
            assert [frame.window.base_station for frame in nodes.b.radio.on_air] == [THERE]
            return
        # It has got the frame and says nothing more.
        nodes.a.radio.report = lambda _report: None
        while len(downlinks(await nodes.records())) == 1 and len(nodes.a.radio.on_air) == 1:
            await asyncio.sleep(0.05)
        await nodes.a.bus.stop()
        nodes.b.frames.forget_node("a")
        answer = downlinks(await nodes.records())[-1]
        assert not answer.delivered and "no answer" in answer.decisions[0]
        assert asyncio.get_running_loop().time() - asked < 1.0, "before its window was over"

    tell(tmp_path, story)


def test_frame_that_comes_to_a_node_that_owns_it_no_more_goes_on(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start()
        await nodes.a.start(HERE)
        await nodes.join()
        # Node b, asked first, has given the partition away, and takes it back before long.
        nodes.b.partitions.change(None)
        nodes.a.bring(nodes.device.uplink(1, b"1").phy_payload, HERE)
        await asyncio.sleep(0.5)
        nodes.b.partitions.change("b")
        await asyncio.sleep(1)
        assert sum(isinstance(r, UplinkRecord) for r in await nodes.records()) == 1
        # Two nodes of which each takes the other one for the owner end it.
        nodes.b.partitions.change("a")
        nodes.a.bring(nodes.device.uplink(1, b"2").phy_payload, HERE)
        await asyncio.sleep(1)
        assert nodes.a.frames.counts["wandering"] + nodes.b.frames.counts["wandering"] == 1

    tell(tmp_path, story)


def test_requests_about_a_device_go_to_the_node_that_serves_it(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        requests = {}
        for node in (nodes.a, nodes.b):
            calls = OwnerCalls(node.bus, node.partitions)
            local, store = node.network.local_requests, nodes.world.server.platform.store
            requests[node] = ClusterRequests(calls, local, store, node.network.addresses)
        await nodes.b.start()
        await nodes.a.start(HERE)
        await nodes.join()
        dev_eui, asked = nodes.device.identity.dev_eui, requests[nodes.a]
        entry = nodes.world.network.devices.by_dev_eui(str(dev_eui))
        assert entry is not None
        ref = entry.device.row.ref
        assert await asked.submit(dev_eui, DownlinkRequest(fport=3, payload=b"open")) is None
        refusal = await asked.submit(dev_eui, DownlinkRequest(fport=3, payload=bytes(300)))
        assert refusal is not None and refusal.max_size is not None
        (queued,) = await asked.queued(ref)
        assert queued.payload == b"open".hex()
        assert await asked.inspect(ref) == await requests[nodes.b].inspect(ref)
        assert await asked.cancel(ref, int(queued.id)) and not await asked.cancel(ref, int(queued.id))
        assert not await asked.ask_rejoin(ref)
        await asked.reset_context(ref)
        assert (await asked.inspect(ref)).session is None
        with pytest.raises(UnknownDevice):
            await asked.queued(ref + 1000)
        assert nodes.a.network.devices.by_ref(ref) is None

    tell(tmp_path, story)


def test_what_a_base_station_has_sent_goes_with_it_to_another_node(tmp_path: Path) -> None:
    async def story(nodes: TwoNodes) -> None:
        await nodes.b.start()
        await nodes.a.start(HERE)
        await asyncio.sleep(1)
        air, now = nodes.a.network.air, nodes.a.clock()
        used = TransmitWindow(HERE, 1, 868_100_000, Lora(12, 125), now - 600, 14, timestamp=1)
        for token in range(20):
            air.book(used, 51, token, now - 600)
        before = air.duty_cycles(now)[HERE]
        nodes.b.hub.connected(nodes.b.radio, HERE)
        await asyncio.sleep(1)
        assert nodes.a.hub.connection(HERE) is None and nodes.b.hub.connection(HERE) is nodes.b.radio
        there = nodes.b.network.air
        assert there.duty_cycles(nodes.b.clock())[HERE] == pytest.approx(before)
        # It is forgotten when it is an hour old, as everything is.
        assert there.duty_cycles(nodes.b.clock() + 3100)[HERE] == dict.fromkeys(before, 0.0)

    tell(tmp_path, story)
