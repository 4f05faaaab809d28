"""`veldnet bench base-stations`: many connections of Basics Station, side by side with Semtech UDP."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.inventory import accounts, base_stations
from veldnet.lorawan import GatewayEui
from veldnet.lorawan.modulation import Lora
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.simulator.base_station import HeardFrame
from veldnet.simulator.basics_station_link import message_of
from veldnet.simulator.propagation import Heard
from veldnet.simulator.udp_link import push_data
from veldnet.store import Connection

from .fleet import BenchDevice, Fleet, bench_device, create_fleet
from .histogram import Histogram
from .load import Generator, Percentiles, Prepared, percentiles
from .server import BenchServer, ServerFailed
from .uplinks import uplink_octets

_FIRST = 0x0059AC00BE000000
# A thousand boxes that boot open so many connections at a time; each asks the way first.
_AT_ONCE = 100
_DEVICES = 1000
_CONFIRMED_EVERY = 50
_DEADLINE = 60.0
_FREQUENCY = 868_100_000
# Uplinks a second of others while all come back.
_OTHERS = 100.0
_TICK = 0.002


class BaseStationsResult(msgspec.Struct, frozen=True):
    """Kilobytes and seconds. The latencies are from an uplink to its acknowledgement at the base station,
    without the deduplication window. `storm`: all connections end at once and come back, while other base
    stations go on."""

    base_stations: int
    connected_in_seconds: float
    memory_kb_each: float
    udp_cpu_ms_per_uplink: float
    station_cpu_ms_per_uplink: float
    cpu_ratio: float
    udp_downlink_ms: Percentiles | None
    station_downlink_ms: Percentiles | None
    storm_seconds: float
    storm_uplinks_offered: int
    storm_uplinks_committed: int


class Stations:
    """The connections. They answer downlinks, as Station does once a frame is on air."""

    def __init__(self, address: str, euis: list[GatewayEui]) -> None:
        self._uri = f"ws://{address}"
        self._euis = euis
        self._open: list[ClientConnection] = []
        self._readers: list[asyncio.Task[None]] = []
        # When downlinks have come.
        self.downlinks: list[float] = []

    async def connect(self) -> float:
        """Connect all; returns the seconds that took."""
        begun, room = time.perf_counter(), asyncio.Semaphore(_AT_ONCE)
        self._open = await asyncio.gather(*(self._one(eui, room) for eui in self._euis))
        took = time.perf_counter() - begun
        self._readers = [asyncio.create_task(self._read(each)) for each in self._open]
        return took

    async def _one(self, eui: GatewayEui, room: asyncio.Semaphore) -> ClientConnection:
        async with room:
            async with connect(f"{self._uri}/router-info", compression=None, open_timeout=30) as asking:
                await asking.send(json.dumps({"router": int(eui)}))
                answer = json.loads(await asking.recv())
            if "uri" not in answer:
                raise ServerFailed(f"the server refuses {eui}: {answer.get('error')}")
            connection = await connect(answer["uri"], compression=None, open_timeout=30, ping_interval=None)
            await connection.send('{"msgtype":"version","station":"2.0.6(bench/std)","protocol":2}')
            await connection.recv()
            return connection

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                message = json.loads(text)
                if message["msgtype"] == "dnmsg":
                    self.downlinks.append(time.perf_counter())
                    said = {"msgtype": "dntxed", "diid": message["diid"], "DevEui": message["DevEui"]}
                    await connection.send(json.dumps(said))
        except ConnectionClosed:
            return

    async def send(self, texts: list[str], rate: float) -> list[float]:
        """Send messages by the connections in turn; returns when each was sent."""
        begun = time.perf_counter()
        sent: list[float] = []
        while len(sent) < len(texts):
            due = min(int((time.perf_counter() - begun) * rate) + 1, len(texts))
            for position in range(len(sent), due):
                await self._open[position % len(self._open)].send(texts[position])
                sent.append(time.perf_counter())
            await asyncio.sleep(_TICK)
        return sent

    async def drop(self) -> None:
        """Cut all connections, as an outage does."""
        for connection in self._open:
            connection.transport.abort()
        await asyncio.gather(*self._readers)


async def bench_base_stations(data: Path, *, count: int, rate: float, seconds: float) -> BaseStationsResult:
    """Register base stations, run the server, connect all, send by both protocols, and cut all."""
    settings = Settings(data=str(data))
    parameters = network_parameters(settings.network)
    opened = await DataDirectory.open(settings, create=True)
    await make_sandbox(opened)
    euis = [GatewayEui(_FIRST + number) for number in range(2 * count)]
    await opened.store.write(partial(register, euis))
    await create_fleet(opened, parameters, Fleet(_DEVICES, joined=True, class_c_every=_DEVICES + 1))
    await opened.close()
    server = await BenchServer.start(data, {"VELDNET_GATEWAYS__BASICS_STATION": "127.0.0.1:0"})
    space = AddressSpace(parameters.net_id)
    try:
        assert server.basics_station is not None
        stations = Stations(server.basics_station, euis[:count])
        others = Generator(server.udp, euis[count : count + 1])
        udp = Generator(server.udp, euis[count:])
        fleet = [bench_device(number, space) for number in range(_DEVICES)]
        async with aiohttp.ClientSession() as session:
            work = Work(server, session, fleet, settings.network.deduplication_window)
            return await work.measure(stations, udp, others, euis[count:], int(rate * seconds), rate)
    finally:
        await server.stop()


def register(euis: list[GatewayEui], connection: Connection) -> None:
    """Make base stations of the sandbox's operator."""
    operator = accounts.find_operator(connection, "sandbox-ope")
    for eui in euis:
        base_stations.create_base_station(
            connection, operator, eui, base_stations.StationFacts(name=str(eui))
        )


class Work:
    """Frames of a fleet by one protocol or another, and what the server spends on them."""

    def __init__(
        self,
        server: BenchServer,
        session: aiohttp.ClientSession,
        fleet: list[BenchDevice],
        window: float,
    ) -> None:
        self._server = server
        self._session = session
        self.fleet = fleet
        self._window = window
        # Frames made until now.
        self._made = 0

    async def handovers(self, protocol: str) -> Histogram:
        """What downlinks have taken from their commit to the socket of a protocol."""
        metric = "downlink_commit_to_socket_seconds"
        return await self._server.histogram(self._session, metric, protocol)

    def frames(self, count: int) -> list[tuple[int, bytes, bool]]:
        """Frames of all devices in turn, with their numbers, and whether they ask for an answer."""
        found = []
        for position in range(self._made, self._made + count):
            device = self.fleet[position % len(self.fleet)]
            confirmed = position % _CONFIRMED_EVERY == 0
            octets = uplink_octets(device, position // len(self.fleet) + 1, confirmed)
            found.append((position, octets, confirmed))
        self._made += count
        return found

    def datagrams(self, count: int, euis: list[GatewayEui]) -> tuple[list[Prepared], list[int]]:
        frames = self.frames(count)
        prepared = [
            Prepared(
                (
                    push_data(
                        int(euis[place % len(euis)]).to_bytes(8, "big"),
                        (position & 0xFFFF).to_bytes(2, "big"),
                        HeardFrame(
                            octets,
                            _FREQUENCY,
                            Lora(7, 125),
                            Heard(-100, -0.5),
                            position * 1000 & 0xFFFFFFFF,
                        ),
                    ),
                )
            )
            for place, (position, octets, _confirmed) in enumerate(frames)
        ]
        return prepared, [place for place, (_p, _o, confirmed) in enumerate(frames) if confirmed]

    def _texts(self, count: int) -> tuple[list[str], list[int]]:
        frames = self.frames(count)
        texts = []
        for position, octets, _confirmed in frames:
            info = {
                "rctx": 0, "xtime": 1 << 48 | position * 1000, "gpstime": 0, "fts": -1, "rssi": -100,
                "snr": -0.5, "rxtime": time.time(),
            }  # fmt: skip
            radio: dict[str, Any] = {"DR": 5, "Freq": _FREQUENCY, "RefTime": time.time(), "upinfo": info}
            texts.append(json.dumps(message_of(octets) | radio))
        return texts, [place for place, (_p, _o, confirmed) in enumerate(frames) if confirmed]

    async def measure(
        self,
        stations: Stations,
        udp: Generator,
        others: Generator,
        euis: list[GatewayEui],
        count: int,
        rate: float,
    ) -> BaseStationsResult:
        """All of it, in turn."""
        udp.begin()
        warm, _confirmed = self.datagrams(len(self.fleet), euis)
        await udp.send(warm, rate)
        idle = await self.settled(0)
        connected = await stations.connect()
        memory = (await self.metrics())["resident_bytes"] - idle["resident_bytes"]
        # Twice by turns: a server that has just begun has more to do.
        udp_cpu, udp_latency = await self.by_udp(udp, euis, count, rate)
        station_cpu, station_latency = await self.by_stations(stations, count, rate)
        udp_again, more = await self.by_udp(udp, euis, count, rate)
        stations_again, later = await self.by_stations(stations, count, rate)
        udp_cpu, station_cpu = (udp_cpu + udp_again) / 2, (station_cpu + stations_again) / 2
        udp_latency, station_latency = udp_latency + more, station_latency + later
        before = await self.metrics()
        await stations.drop()
        again = asyncio.create_task(stations.connect())
        offered = 0
        while not again.done():
            frames, _confirmed = self.datagrams(int(_OTHERS), euis[:1])
            await others.send(frames, _OTHERS)
            offered += len(frames)
        after = await self.settled(before["uplinks_committed_total"] + offered)
        await stations.drop()
        udp.close()
        others.close()
        return BaseStationsResult(
            base_stations=len(euis),
            connected_in_seconds=round(connected, 2),
            memory_kb_each=round(memory / len(euis) / 1000, 1),
            udp_cpu_ms_per_uplink=round(udp_cpu, 4),
            station_cpu_ms_per_uplink=round(station_cpu, 4),
            cpu_ratio=round(station_cpu / udp_cpu, 2),
            udp_downlink_ms=percentiles(udp_latency),
            station_downlink_ms=percentiles(station_latency),
            storm_seconds=round(again.result(), 2),
            storm_uplinks_offered=offered,
            storm_uplinks_committed=int(after["uplinks_committed_total"] - before["uplinks_committed_total"]),
        )

    async def by_udp(
        self, udp: Generator, euis: list[GatewayEui], count: int, rate: float
    ) -> tuple[float, list[float]]:
        """CPU in milliseconds for each uplink, and the seconds until each acknowledgement."""
        prepared, confirmed = self.datagrams(count, euis)
        before = await self.metrics()
        first, answered = len(udp.sent_at), len(udp.downlinks)
        await udp.send(prepared, rate)
        after = await self.settled(before["uplinks_committed_total"] + count)
        sent = [udp.sent_at[first + place] for place in confirmed]
        came = sorted(answer.when for answer in udp.downlinks[answered:])
        return cpu_of(before, after), self.latencies(sent, came)

    async def by_stations(self, stations: Stations, count: int, rate: float) -> tuple[float, list[float]]:
        texts, confirmed = self._texts(count)
        before = await self.metrics()
        answered = len(stations.downlinks)
        sent = await stations.send(texts, rate)
        after = await self.settled(before["uplinks_committed_total"] + count)
        came = sorted(stations.downlinks[answered:])
        return cpu_of(before, after), self.latencies([sent[place] for place in confirmed], came)

    def latencies(self, sent: list[float], came: list[float]) -> list[float]:
        """Acknowledgements come in the order of their uplinks; none where one is missing."""
        if len(sent) != len(came):
            return []
        return [answer - begin - self._window for begin, answer in zip(sent, came, strict=True)]

    async def metrics(self) -> dict[str, float]:
        return await self._server.metrics(self._session)

    async def settled(self, committed: float) -> dict[str, float]:
        """Wait until so many uplinks are committed, and their answers are out; then what is said of them."""
        end, last, moved = time.perf_counter() + _DEADLINE, -1.0, time.perf_counter()
        while time.perf_counter() < end:
            now = await self.metrics()
            if now["uplinks_committed_total"] != last:
                last, moved = now["uplinks_committed_total"], time.perf_counter()
            if last >= committed and time.perf_counter() - moved > 1.0:
                return now
            await asyncio.sleep(0.1)
        return await self.metrics()


def cpu_of(before: dict[str, float], after: dict[str, float]) -> float:
    committed = after["uplinks_committed_total"] - before["uplinks_committed_total"]
    return 1000 * (after["cpu_seconds_total"] - before["cpu_seconds_total"]) / max(committed, 1)
