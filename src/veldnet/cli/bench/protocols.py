"""`veldnet bench uplinks --protocol`: the same uplinks by each protocol of base stations, side by side."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import time
from functools import partial
from pathlib import Path

import aiohttp
import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.simulator import gateway_wire as wire
from veldnet.simulator.backhaul import ProtocolName

from .base_stations import Stations, Work, cpu_of, register
from .fleet import Fleet, bench_device, create_fleet
from .histogram import between
from .load import Generator, Percentiles, percentiles
from .server import BenchServer, ServerFailed

_FIRST = 0x0059AC00BF000000
# Base stations of each protocol.
_SITES = 64
_TICK = 0.002


class ProtocolFigures(msgspec.Struct, frozen=True):
    """`cpu_ratio` is relative to Semtech UDP, where that was measured, too. The latency is from an uplink to
    its acknowledgement at the base station, in milliseconds, without the deduplication window; a part of it,
    which the server measures, is that from the commit to the socket."""

    uplinks: int
    committed: int
    cpu_ms_per_uplink: float
    cpu_ratio: float | None
    downlink_ms: Percentiles | None
    commit_to_socket_ms: Percentiles | None


def _settings(folder: Path, port: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "mosquitto.conf"
    file.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nmax_queued_messages 0\n"
        "set_tcp_nodelay true\n"
    )
    return file


class Broker:
    """Mosquitto as a child process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    @classmethod
    async def start(cls, folder: Path) -> Broker:
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if program is None:
            raise ServerFailed("chirpstack-mqtt needs mosquitto; install the package of that name")
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = int(sock.getsockname()[1])
        settings = _settings(folder, port)
        process = await asyncio.create_subprocess_exec(program, "-c", str(settings))
        for _ in range(200):
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return cls(process, port)
        raise ServerFailed("the broker does not start")

    async def stop(self) -> None:
        self._process.terminate()
        await self._process.wait()


def event_of(name: str, position: int, octets: bytes, frequency: int) -> bytes:
    """A frame as a forwarder publishes it."""
    lora = {"bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5"}
    received = {
        "gatewayId": name, "uplinkId": position & 0xFFFF, "rssi": -100, "snr": -0.5,
        "context": (position * 1000 & 0xFFFFFFFF).to_bytes(4, "big"), "crcStatus": "CRC_OK",
    }  # fmt: skip
    frame = {
        "phyPayload": octets,
        "txInfo": {"frequency": frequency, "modulation": {"lora": lora}},
        "rxInfo": received,
    }
    return wire.encode(wire.UPLINK, frame, as_json=False)


class Forwarders:
    """Base stations behind the broker, over one connection. Downlinks are answered in its thread."""

    def __init__(self, port: int, euis: list[GatewayEui]) -> None:
        self._names = [f"{int(eui):016x}" for eui in euis]
        self.downlinks: list[float] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        sock = self._client.socket()
        assert isinstance(sock, socket.socket)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.subscribe("eu868/gateway/+/command/down")
        self._client.loop_start()
        for name in self._names:
            stats = wire.encode(wire.STATS, {"gatewayId": name}, as_json=False)
            self._client.publish(f"eu868/gateway/{name}/event/stats", stats)

    def message(self, position: int, octets: bytes, frequency: int) -> tuple[str, bytes]:
        """Topic and payload of a frame."""
        name = self._names[position % len(self._names)]
        return f"eu868/gateway/{name}/event/up", event_of(name, position, octets, frequency)

    async def send(self, messages: list[tuple[str, bytes]], rate: float) -> list[float]:
        """Publish messages; returns when each was sent."""
        begun = time.perf_counter()
        sent: list[float] = []
        while len(sent) < len(messages):
            due = min(int((time.perf_counter() - begun) * rate) + 1, len(messages))
            for topic, payload in messages[len(sent) : due]:
                self._client.publish(topic, payload)
                sent.append(time.perf_counter())
            await asyncio.sleep(_TICK)
        return sent

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.downlinks.append(time.perf_counter())
        frame = wire.decode(wire.DOWNLINK, bytes(message.payload), as_json=False)
        name = frame["gatewayId"]
        ack = {"downlinkId": frame["downlinkId"], "items": [{"status": "OK"}], "gatewayId": name}
        self._client.publish(f"eu868/gateway/{name}/event/ack", wire.encode(wire.ACK, ack, as_json=False))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


async def bench_protocols(
    data: Path,
    protocols: tuple[ProtocolName, ...],
    *,
    rate: float,
    seconds: float,
    devices: int,
    rounds: int = 3,
) -> dict[str, ProtocolFigures]:
    """Set up base stations of each protocol, and send by all of them in turn, `rounds` times."""
    broker = await Broker.start(data.parent / "broker") if "chirpstack-mqtt" in protocols else None
    try:
        return await _bench(data, protocols, broker, _Load(rate, seconds, devices, rounds))
    finally:
        if broker is not None:
            await broker.stop()


class _Load(msgspec.Struct, frozen=True):
    """What each protocol is given, in each round."""

    rate: float
    seconds: float
    devices: int
    rounds: int


async def _bench(
    data: Path, protocols: tuple[ProtocolName, ...], broker: Broker | None, load: _Load
) -> dict[str, ProtocolFigures]:
    settings = Settings(data=str(data))
    parameters = network_parameters(settings.network)
    opened = await DataDirectory.open(settings, create=True)
    await make_sandbox(opened)
    euis = [GatewayEui(_FIRST + number) for number in range(3 * _SITES)]
    await opened.store.write(partial(register, euis))
    await create_fleet(opened, parameters, Fleet(load.devices, joined=True, class_c_every=load.devices + 1))
    await opened.close()
    environment = {"VELDNET_GATEWAYS__BASICS_STATION": "127.0.0.1:0"}
    if broker is not None:
        environment["VELDNET_GATEWAYS__MQTT"] = json.dumps([f"mqtt://127.0.0.1:{broker.port}"])
    server = await BenchServer.start(data, environment)
    space = AddressSpace(parameters.net_id)
    try:
        async with aiohttp.ClientSession() as session:
            fleet = [bench_device(number, space) for number in range(load.devices)]
            work = Work(server, session, fleet, settings.network.deduplication_window)
            assert server.basics_station is not None
            lines = _Lines(
                work,
                Generator(server.udp, euis[:_SITES]),
                Stations(server.basics_station, euis[_SITES : 2 * _SITES]),
                None if broker is None else Forwarders(broker.port, euis[2 * _SITES :]),
                euis[:_SITES],
            )
            return await lines.measure(protocols, int(load.rate * load.seconds), load.rate, load.rounds)
    finally:
        await server.stop()


class _Lines:
    """What sends by each protocol."""

    def __init__(
        self,
        work: Work,
        udp: Generator,
        stations: Stations,
        forwarders: Forwarders | None,
        udp_euis: list[GatewayEui],
    ) -> None:
        self._work = work
        self._udp, self._stations, self._forwarders = udp, stations, forwarders
        self._udp_euis = udp_euis

    async def measure(
        self, protocols: tuple[ProtocolName, ...], count: int, rate: float, rounds: int
    ) -> dict[str, ProtocolFigures]:
        """By turns, so that all find the server and the machine alike."""
        self._udp.begin()
        await self._stations.connect()
        # Each device is heard once before, as in a network that has been running.
        await self._work.by_udp(self._udp, self._udp_euis, len(self._work.fleet), rate)
        cpu: dict[str, list[float]] = {name: [] for name in protocols}
        latency: dict[str, list[float]] = {name: [] for name in protocols}
        begun = (await self._work.metrics())["uplinks_committed_total"]
        before = {name: await self._work.handovers(name) for name in protocols}
        for _ in range(rounds):
            for name in protocols:
                spent, waited = await self._by(name, count, rate)
                cpu[name].append(spent)
                latency[name] += waited
        committed = int((await self._work.metrics())["uplinks_committed_total"] - begun)
        handed = {name: between(before[name], await self._work.handovers(name)) for name in protocols}
        self._udp.close()
        await self._stations.drop()
        if self._forwarders is not None:
            self._forwarders.close()
        mean = {name: sum(values) / len(values) for name, values in cpu.items()}
        base = mean.get("semtech-udp")
        return {
            name: ProtocolFigures(
                uplinks=rounds * count,
                committed=committed // len(protocols),
                cpu_ms_per_uplink=round(mean[name], 4),
                cpu_ratio=None if base is None else round(mean[name] / base, 2),
                downlink_ms=percentiles(latency[name]),
                commit_to_socket_ms=handed[name],
            )
            for name in protocols
        }

    async def _by(self, protocol: ProtocolName, count: int, rate: float) -> tuple[float, list[float]]:
        if protocol == "semtech-udp":
            return await self._work.by_udp(self._udp, self._udp_euis, count, rate)
        if protocol == "basics-station":
            return await self._work.by_stations(self._stations, count, rate)
        assert self._forwarders is not None
        return await self._by_forwarders(self._forwarders, count, rate)

    async def _by_forwarders(
        self, forwarders: Forwarders, count: int, rate: float
    ) -> tuple[float, list[float]]:
        work = self._work
        frames = work.frames(count)
        messages = [forwarders.message(position, octets, 868_100_000) for position, octets, _c in frames]
        before, answered = await work.metrics(), len(forwarders.downlinks)
        sent = await forwarders.send(messages, rate)
        after = await work.settled(before["uplinks_committed_total"] + count)
        confirmed = [sent[place] for place, (_p, _o, wanted) in enumerate(frames) if wanted]
        return cpu_of(before, after), work.latencies(confirmed, sorted(forwarders.downlinks[answered:]))
