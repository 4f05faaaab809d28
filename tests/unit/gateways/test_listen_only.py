"""A network that only listens gives no base station a frame, whatever is decided."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.unit.gateways.test_semtech_udp import STATION, window
from veldnet.gateways import Hub, Presence
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport


def test_nothing_is_sent_and_the_cause_is_said() -> None:
    async def story() -> None:
        reports: list[TransmitReport] = []
        sent: list[GatewayDownlink] = []
        network: Any = SimpleNamespace(
            gate=None, lag=0.0, receive=lambda _uplink: None, transmit_reported=reports.append
        )
        protocol: Any = SimpleNamespace(name="a", authenticates=False, plans_both=False, transmit=sent.append)
        directory: Any = SimpleNamespace()
        hub = Hub(network, directory, Presence(), lambda: 0.0, lambda _task, _error: None)
        hub.connected(protocol, STATION)
        downlink = GatewayDownlink(7, b"abc", window(Lora(9, 125)))
        hub.transmit(downlink)
        hub.listen_only = True
        hub.transmit(downlink)
        await asyncio.sleep(0)
        assert sent == [downlink] and reports == [TransmitReport(7, STATION, "LISTEN_ONLY")]

    asyncio.run(story())
