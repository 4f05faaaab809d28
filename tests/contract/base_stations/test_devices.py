"""Devices through each protocol and the whole network: joined, heard, and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_base_station_protocols import HubNetwork
from veldnet.lorawan import GatewayEui
from veldnet.lorawan.modulation import Modulation
from veldnet.network.core import DownlinkRecord, DownlinkRequest
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.device import Received, VirtualDevice
from veldnet.simulator.propagation import Heard, Place
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import Conditions, Kind

from .field import THERE, Adapter, Connection
from .protocols import ADAPTERS, those_with


class Town(HubNetwork):
    """The whole network; its base stations are connected by protocols."""

    device: VirtualDevice
    taken: list[Received]

    async def begin(self, *adapters: Adapter) -> None:
        """A device, and a base station for each adapter."""
        await self.build(1, stations=2)
        self.device, self.taken = self.lives[0].device, []
        self.adapters = adapters
        self.stations: list[BaseStation] = []
        self.connections: list[Connection] = []
        hub = self.server.platform.hub
        for number, adapter in enumerate(adapters):
            if adapter not in adapters[:number]:
                hub.register(await adapter.serve(hub, proof=False))
            station = BaseStation(GatewayEui(number + 1), Place(0, 0), boot=-100.0 * number)
            station.on_air = self._on_air
            self.stations.append(station)
            self.connections.append(await adapter.connect(station))

    def _on_air(
        self,
        _station: BaseStation,
        frame: bytes,
        _frequency: int,
        _modulation: Modulation,
        _power: float,
        _at: float,
    ) -> None:
        received = self.device.receive(frame)
        if received is not None and not received.joined:
            self.taken.append(received)

    def hear(self, *, snr: tuple[float, ...] = (9.0, 5.0), payload: bytes | None = b"up") -> None:
        """Each base station hears the device's next frame; a join-request without payload."""
        device = self.device
        sent = device.join_request() if payload is None else device.uplink(3, payload, confirmed=True)
        for station, each in zip(self.stations, snr, strict=False):
            station.hear(sent.phy_payload, sent.frequency, sent.modulation, Heard(-70, each))

    async def join(self) -> None:  # type: ignore[override]
        self.hear(payload=None)
        await asyncio.sleep(8)
        assert self.device.joined

    async def answers(self) -> list[DownlinkRecord]:
        """Those that were no join-accept."""
        await self.network.commits.drain()
        return [r for r in await self.records() if isinstance(r, DownlinkRecord) and not r.join_accept]

    async def order(self, payload: bytes) -> None:
        dev_eui = self.device.identity.dev_eui
        assert await self.network.requests.submit(dev_eui, DownlinkRequest(fport=7, payload=payload)) is None

    async def end(self) -> None:
        for connection in self.connections:
            await connection.leave()
        await self.server.platform.hub.stop()
        for adapter in dict.fromkeys(self.adapters):
            await adapter.stop()
        await self.close()


def in_town(
    directory: Path,
    adapters: tuple[Adapter, ...],
    story: Callable[[Town], Coroutine[Any, Any, None]],
    device_class: str = "A",
) -> None:
    async def whole() -> None:
        town = Town(directory, 1, conditions=Conditions(kinds=(Kind("1.0.2", device_class),)))  # type: ignore[arg-type]
        await town.begin(*adapters)
        try:
            await story(town)
        finally:
            await town.end()

    run_virtually(whole(), patience=max(adapter.patience for adapter in adapters))


def test_a_device_of_class_a_joins_is_heard_and_answered(adapter: Adapter, tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        await town.join()
        await town.order(b"down")
        town.hear()
        await asyncio.sleep(5)
        (received,) = town.taken
        assert received.ack and received.payload == b"down"
        (record,) = await town.answers()
        assert record.delivered and town.network.counters.uplinks_committed == 1
        # The join-accept and the answer, each right after its commit.
        hub = town.server.platform.hub
        connected = hub.connection(next(iter(hub.presence.stations)))
        assert connected is not None and list(hub.handovers) == [connected.name]
        times = hub.handovers[connected.name]
        assert times.cumulative()[-1] == ("+Inf", 2) and 0 < times.total < 10

    in_town(tmp_path, (adapter, adapter), story)


def test_a_device_of_class_c_is_reached_without_an_uplink(adapter: Adapter, tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        await town.join()
        town.hear()
        await asyncio.sleep(10)
        town.taken.clear()
        await town.order(b"at once")
        await asyncio.sleep(1)
        assert [received.payload for received in town.taken] == [b"at once"]
        await asyncio.sleep(5)
        assert (await town.answers())[-1].delivered

    in_town(tmp_path, (adapter,), story, "C")


def test_where_rx1_is_taken_the_answer_comes_in_rx2(adapter: Adapter, tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        await town.join()
        (station,) = town.stations
        now = asyncio.get_running_loop().time()
        # It sends for somebody else, of whom this network knows nothing.
        station._busy.append((now + 0.9, now + 1.5))
        town.hear()
        await asyncio.sleep(5)
        assert [received.ack for received in town.taken] == [True]
        (record,) = await town.answers()
        assert (record.delivered, record.slot) == (True, 2) and record.cause_rx1 in ("A3", "A6")
        # What was not used was given back.
        loads = town.network.air.duty_cycles(town.clock())
        assert sum(len([share for share in of.values() if share > 1e-9]) for of in loads.values()) <= 2

    in_town(tmp_path, (adapter,), story)


@those_with(lambda traits: traits.sessions)
@pytest.mark.parametrize("other", ADAPTERS, ids=lambda make: make.name)
def test_a_connection_that_ends_leaves_the_answer_to_the_next_base_station(
    adapter: Adapter, other: Callable[[], Adapter], tmp_path: Path
) -> None:
    async def story(town: Town) -> None:
        await town.join()
        town.hear(snr=(9.0, -5.0))
        await asyncio.sleep(0.05)
        # The base station that heard it best comes back with another session before the answer is due.
        await town.connections[0].leave()
        town.connections[0] = await adapter.connect(town.stations[0])
        await asyncio.sleep(5)
        assert [received.ack for received in town.taken] == [True]
        (record,) = await town.answers()
        assert record.delivered
        assert record.base_station == THERE and "SESSION_ENDED" in record.decisions[-1]

    second = adapter if isinstance(adapter, other) else other()  # type: ignore[arg-type]
    in_town(tmp_path, (adapter, second), story)
