"""A base station protocol needs nothing but the interface: one in memory, where all else is real."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path

from tests.unit.network.quiet import HERE, QuietNetwork
from veldnet.gateways import BaseStationProtocol, Host, MessageCounts
from veldnet.lorawan import BaseStationId, DevEui, GatewayEui
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.network.core import DownlinkRequest, FrameKind
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual.mortal import MortalServer


class MemoryProtocol:
    """Base stations that are in this process."""

    plans_both = False

    def __init__(self, host: Host, name: str = "memory", *, authenticates: bool = True) -> None:
        self.name = name
        self.authenticates = authenticates
        self.counts = MessageCounts(Counter(), Counter(), Counter())
        self.downlinks: list[GatewayDownlink] = []
        self.serving = False
        self._host = host

    async def start(self, sock: socket.socket | None) -> None:
        self.serving = sock is None

    async def stop(self) -> None:
        self.serving = False

    def lag(self, now: float) -> float:
        return 0.25

    def problem(self, now: float) -> str | None:
        return None if self.serving else "the memory is not served"

    def hear(self, gateway: GatewayEui, phy_payload: bytes) -> None:
        self.counts.received["frame"] += 1
        now = self._host.clock()
        station = self._host.directory.find(gateway)
        if station is None:
            self._host.presence.refused(gateway, "memory", now)
            self.counts.refused["unknown_base_station"] += 1
            return
        self._host.presence.seen(station, now).frame(now, gps=False)
        self._host.connected(self, station)
        timestamp = int(now * 1_000_000) & 0xFFFFFFFF
        self._host.uplink(
            GatewayUplink(
                station,
                phy_payload,
                868_100_000,
                Lora(7, 125),
                -90,
                5,
                timestamp,
                now,
                context=b"antenna 1",
            )
        )

    def transmit(self, downlink: GatewayDownlink) -> None:
        self.downlinks.append(downlink)
        report = TransmitReport(downlink.token, downlink.base_station, None)
        asyncio.get_running_loop().call_soon(self._host.report, report)


class HubNetwork(QuietNetwork):
    """Downlinks go by the hub of the platform."""

    def transmit(self, server: MortalServer, downlink: GatewayDownlink) -> None:
        server.platform.hub.transmit(downlink)

    def gateway(self) -> GatewayEui:
        (station, *_others) = self.server.platform.base_stations.all()
        assert station[0] == HERE
        return GatewayEui.parse(station[1].gateway_eui)


def test_a_protocol_that_is_registered_at_the_hub_carries_frames_both_ways(tmp_path: Path) -> None:
    async def story() -> None:
        world = HubNetwork(tmp_path, 1)
        await world.build(1)
        device, hub = world.lives[0].device, world.server.platform.hub
        memory = MemoryProtocol(hub)
        as_protocol: BaseStationProtocol = memory
        hub.register(as_protocol)
        assert "the memory is not served" in await world.server.platform.problems()
        await hub.start({})
        assert memory.serving and world.server.platform.receive_lag >= 0.25
        gateway = world.gateway()

        memory.hear(gateway, device.join_request().phy_payload)
        await asyncio.sleep(1)
        device.receive(memory.downlinks[-1].phy_payload)
        assert device.joined
        assert (
            await world.network.requests.submit(
                DevEui(device.identity.dev_eui), DownlinkRequest(fport=7, payload=b"down")
            )
            is None
        )
        memory.hear(gateway, device.uplink(1, b"up", confirmed=True).phy_payload)
        await asyncio.sleep(1)
        received = device.receive(memory.downlinks[-1].phy_payload)
        assert received is not None and received.payload == b"down"
        assert [downlink.window.context for downlink in memory.downlinks] == [b"antenna 1"] * 2
        assert world.network.counters.uplinks_committed == 1 and world.network.counters.downlinks_sent == 2

        memory.hear(GatewayEui(7), b"frame")
        assert GatewayEui(7) in world.server.platform.presence.unknown
        assert hub.counts().received["frame"] == 3 and hub.counts().refused["unknown_base_station"] == 1
        await hub.stop()
        assert not memory.serving
        await world.close()

    run_virtually(story())


def test_a_downlink_goes_where_its_base_station_was_heard_and_nobody_takes_it_from_who_has_proven_himself(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        world = HubNetwork(tmp_path, 1)
        await world.build(1)
        hub = world.server.platform.hub
        proven, open_, other = (
            MemoryProtocol(hub, "proven"),
            MemoryProtocol(hub, "open", authenticates=False),
            MemoryProtocol(hub, "other", authenticates=False),
        )
        assert hub.connection(HERE) is None
        for protocol, now_connected in (
            (open_, open_),
            (other, other),
            (proven, proven),
            (open_, proven),
            (other, proven),
        ):
            hub.connected(protocol, HERE)
            assert hub.connection(HERE) is now_connected
        hub.disconnected(other, HERE)
        assert hub.connection(HERE) is proven
        hub.disconnected(proven, HERE)
        assert hub.connection(HERE) is None
        hub.connected(open_, BaseStationId(HERE))
        assert hub.connection(HERE) is open_
        await world.close()

    run_virtually(story())


def test_what_no_protocol_can_reach_is_reported_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        world = HubNetwork(tmp_path, 1)
        await world.build(1)
        device = world.lives[0].device
        world.bring(device.join_request().phy_payload)
        await asyncio.sleep(10)
        (failed,) = [record for record in await world.records() if record.kind is FrameKind.JOIN_ACCEPT]
        assert failed.outcome != "sent" and world.network.counters.downlinks_failed == 1
        await world.close()

    run_virtually(story())
