"""A network in virtual time whose frames a test brings itself, base station by base station."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow
from veldnet.network.shell import NetworkServer
from veldnet.simulator.device import VirtualDevice
from veldnet.virtual import VirtualNetwork
from veldnet.virtual.mortal import MortalServer

HERE, THERE = BaseStationId(0xFF000001), BaseStationId(0xFF000002)


class QuietNetwork(VirtualNetwork):
    """Nothing is lost; every downlink goes to `downlinks`, and `refuses` says how it is answered."""

    downlinks: list[GatewayDownlink]
    refuses: Callable[[TransmitWindow], str | None] = staticmethod(lambda _window: None)

    @property
    def network(self) -> NetworkServer:
        return self.server.platform.network

    def transmit(self, server: MortalServer, downlink: GatewayDownlink) -> None:
        self.__dict__.setdefault("downlinks", []).append(downlink)
        report = TransmitReport(downlink.token, downlink.base_station, self.refuses(downlink.window))
        asyncio.get_running_loop().call_soon(server.platform.network.transmit_reported, report)

    def bring(
        self, phy_payload: bytes, station: BaseStationId = HERE, *, timestamp: int | None = None
    ) -> None:
        """A base station's copy of a frame arrives now."""
        now = self.clock()
        stamp = int(now * 1_000_000) & 0xFFFFFFFF if timestamp is None else timestamp
        self.network.receive(
            GatewayUplink(station, phy_payload, 868_100_000, Lora(7, 125), -90, 5, stamp, now)
        )

    async def join(self, device: VirtualDevice, station: BaseStationId = HERE) -> bytes:
        """Have a device join; returns its join-request."""
        request = device.join_request().phy_payload
        self.bring(request, station)
        await asyncio.sleep(1)
        device.receive(self.downlinks[-1].phy_payload)
        assert device.joined
        return request

    async def restart(self) -> None:
        """Another process goes on, with nothing in memory."""
        await self.network.stop()
        self.server.dead = True
        self.server = MortalServer(self)
        await self.server.platform.start()
