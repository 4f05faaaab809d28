"""`veldnet bench uplinks`: durable uplinks, from the datagram to the commit and to the application server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.inventory import accounts, base_stations
from veldnet.lorawan import DevAddr, GatewayEui, frames
from veldnet.lorawan.crypto import UPLINK, data_mic
from veldnet.lorawan.frames import MType
from veldnet.lorawan.mac_commands import DeviceTimeReq, LinkCheckReq, serialise
from veldnet.lorawan.modulation import Lora
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings, load_settings
from veldnet.simulator.base_station import HeardFrame
from veldnet.simulator.customer import Account, Customer
from veldnet.simulator.propagation import Heard
from veldnet.simulator.udp_link import push_data
from veldnet.store import Connection

from .fleet import SITES, BenchDevice, Fleet, bench_device, create_fleet
from .load import Answer, Generator, Percentiles, Prepared, percentiles
from .server import BenchServer
from .sink import Sink

# One frame in so many is confirmed: its acknowledgement tells when the downlink was handed over.
CONFIRMED_EVERY = 50
# By the clock of base stations, in µs, each frame comes so long after the one before, whenever it is sent,
# and the windows for its answer open so long after it.
_STEP, _CLOCK = 100, 1 << 32
_WINDOWS = (1_000_000, 2_000_000)
# One frame in so many carries LinkCheckReq and DeviceTimeReq, which ask for an answer.
_QUESTION_EVERY = 97
_QUESTIONS = serialise([LinkCheckReq(), DeviceTimeReq()])
_PAYLOAD = bytes(range(20))
_FREQUENCIES = (868_100_000, 868_300_000, 868_500_000)


class Profile(Protocol):
    """Samples a server while it is measured. `module` is what the server is run by."""

    @property
    def module(self) -> tuple[str, ...]: ...

    async def begin(self, server: BenchServer) -> None: ...

    async def end(self, server: BenchServer) -> None: ...


class UplinkResult(msgspec.Struct, frozen=True):
    """Rates a second; latencies in milliseconds, without the deduplication window."""

    offered: int
    offered_per_second: float
    committed: int
    committed_per_second: float
    delivered_per_second: float | None
    base_stations: int
    devices: int
    downlink_latency_ms: Percentiles | None
    delivery_latency_ms: Percentiles | None
    latency_ms: Percentiles | None
    cpu_seconds_per_1000_uplinks: float
    resident_mb: float
    commits: int
    mean_commit_ms: float


def uplink_octets(device: BenchDevice, fcnt: int, confirmed: bool, fopts: bytes = b"") -> bytes:
    """A data uplink of a bench device, with the ADR bit."""
    mtype = MType.CONFIRMED_UP if confirmed else MType.UNCONFIRMED_UP
    octets = frames.data_frame_octets(
        mtype, frames.Fhdr(device.dev_addr, frames.ADR, fcnt, fopts), 1, _PAYLOAD
    )
    return octets + data_mic(device.nwk_s_key, UPLINK, device.dev_addr, fcnt, octets)


def prepare(
    count: int,
    fleet: Sequence[BenchDevice],
    gateways: Sequence[GatewayEui],
    stations: int,
    confirmed_every: int = CONFIRMED_EVERY,
    *,
    first: int = 0,
) -> tuple[list[Prepared], dict[DevAddr, list[int]]]:
    """Frames of all devices in turn with rising counters, each heard by `stations` of the gateways, and where
    the confirmed ones of each address stand. `first` frames were prepared before."""
    prepared = []
    confirmed_at: dict[DevAddr, list[int]] = {}
    modulation = Lora(7, 125)
    euis = [int(gateway).to_bytes(8, "big") for gateway in gateways]
    for position in range(first, first + count):
        device = fleet[position % len(fleet)]
        fcnt = position // len(fleet) + 1
        confirmed = position % confirmed_every == 0
        if confirmed:
            confirmed_at.setdefault(device.dev_addr, []).append(position)
        questions = _QUESTIONS if position % _QUESTION_EVERY == 0 else b""
        octets = uplink_octets(device, fcnt, confirmed, questions)
        near = [euis[(position % len(fleet) + number) % len(euis)] for number in range(stations)]
        token = (position & 0xFFFF).to_bytes(2, "big")
        prepared.append(
            Prepared(
                tuple(
                    push_data(
                        eui,
                        token,
                        HeardFrame(
                            octets,
                            _FREQUENCIES[position % 3],
                            modulation,
                            # Good enough for SF7 and not for less power: ADR looks at each, and asks for
                            # nothing, for devices made beforehand could not answer.
                            Heard(-100 - station, -0.5 - station),
                            position * _STEP % _CLOCK,
                        ),
                    )
                    for station, eui in enumerate(near)
                )
            )
        )
    return prepared, confirmed_at


async def create_sites(opened: DataDirectory, first: GatewayEui) -> list[GatewayEui]:
    """The base stations of a benchmark network, the sandbox's first."""
    gateways = [GatewayEui(int(first) + number) for number in range(SITES)]
    await opened.store.write(partial(_create_base_stations, gateways[1:]))
    return gateways


def _create_base_stations(gateways: list[GatewayEui], connection: Connection) -> None:
    operator = accounts.find_operator(connection, "sandbox-ope")
    for eui in gateways:
        base_stations.create_base_station(
            connection, operator, eui, base_stations.StationFacts(name=str(eui))
        )


class UplinkLoad(msgspec.Struct, frozen=True):
    """Uplinks a second for so many seconds, by devices of which `sharing` have each address; each is heard by
    `stations` base stations."""

    rate: float
    seconds: float
    devices: int
    stations: int = 1
    sharing: int = 1


class _Offered(NamedTuple):
    """What is sent, where the confirmed frames of each address stand in it, and who hears it."""

    prepared: list[Prepared]
    confirmed_at: dict[DevAddr, list[int]]
    gateways: list[GatewayEui]


async def bench_uplinks(
    data: Path,
    load: UplinkLoad,
    *,
    deliver: bool,
    environment: dict[str, str] | None = None,
    profile: Profile | None = None,
    connections: Sequence[dict[str, Any]] | None = None,
) -> UplinkResult:
    """Set up a fleet, run the server on it, send, and count. The environment may name an empty database.
    `profile` samples the server while it is measured. With `connections`, a flow delivers all messages over
    HTTP and over these."""
    module = ("veldnet",) if profile is None else profile.module
    settings = Settings(data=str(data), store=load_settings().store)
    parameters = network_parameters(settings.network)
    sink = Sink()
    address = await sink.start()
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    gateways = await create_sites(opened, GatewayEui.parse(sandbox.base_station_eui))
    if not deliver:
        await create_fleet(opened, parameters, Fleet(load.devices, joined=True, sharing=load.sharing))
    await opened.close()
    server = await BenchServer.start(data, environment, module=module)
    try:
        if deliver:
            await _create_delivering_fleet(settings, server, sandbox, address, load.devices)
            await server.stop()
            server = await BenchServer.start(data, environment, module=module)
        if connections is not None:
            await _create_connections(server, sandbox, address, connections)
        space = AddressSpace(parameters.net_id)
        fleet = [bench_device(number, space, load.sharing) for number in range(load.devices)]
        frames_sent = load.devices + int(load.rate * load.seconds)
        offered = _Offered(*prepare(frames_sent, fleet, gateways, load.stations), gateways)
        return await _measure(
            server, offered, sink if deliver or connections is not None else None, load, settings, profile
        )
    finally:
        await server.stop()
        sink.stop()


async def _create_connections(
    server: BenchServer, sandbox: Any, address: str, others: Sequence[dict[str, Any]]
) -> None:
    """A flow of all messages, made over the API."""
    account = msgspec.convert(msgspec.structs.asdict(sandbox), Account)
    async with aiohttp.ClientSession() as session:
        customer = Customer(server.http, account, session)
        await customer.sign_in()
        refs = []
        for body in ({"name": "sink", "type": "HTTP", "address": address}, *others):
            refs.append((await customer.call("POST", "/connections", body, base="/api/v1"))["ref"])
        await customer.call("POST", "/flows", {"name": "all", "connectionRefs": refs}, base="/api/v1")


async def prepare_place(data: Path, station: GatewayEui, address: str, devices: int) -> None:
    """A new data directory with a joined fleet, delivered to an address, and base stations from this on."""
    settings = Settings(data=str(data), store=load_settings().store)
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened, station)
    await create_sites(opened, station)
    await opened.close()
    server = await BenchServer.start(data)
    try:
        await _create_delivering_fleet(settings, server, sandbox, address, devices)
    finally:
        await server.stop()


async def _create_delivering_fleet(
    settings: Settings, server: BenchServer, sandbox: Any, address: str, devices: int
) -> None:
    """A routing profile made over the API, and devices that use it."""
    account = msgspec.convert(msgspec.structs.asdict(sandbox), Account)
    async with aiohttp.ClientSession() as session:
        customer = Customer(server.http, account, session)
        await customer.sign_in()
        await customer.call(
            "POST",
            "/routingProfiles",
            {
                "name": "bench",
                "routes": [
                    {
                        "contentType": "JSON",
                        "asId": "bench",
                        "asKey": "46ab678cd45df4a4e4b3758acd096acc",
                        "addresses": [address],
                    }
                ],
            },
        )
    opened = await DataDirectory.open(settings, create=True)
    await create_fleet(
        opened, network_parameters(settings.network), Fleet(devices, joined=True, routing_profile_ref=1)
    )
    await opened.close()


async def _measure(
    server: BenchServer,
    offered: _Offered,
    sink: Sink | None,
    load: UplinkLoad,
    settings: Settings,
    profile: Profile | None,
) -> UplinkResult:
    """`sink` is where uplinks are delivered, if they are."""
    rate, devices = load.rate, load.devices
    async with aiohttp.ClientSession() as session:
        generator = Generator(server.udp, offered.gateways)
        generator.begin()
        # Each device is heard once before the measurement, as in a network that has been running.
        cold = await server.metrics(session)
        await generator.send(offered.prepared[:devices], min(rate, 2500))
        before, _ended = await _settle(server, session, cold, devices, sink)
        if sink is not None:
            sink.arrived.clear()
        prepared = offered.prepared[devices:]
        if profile is not None:
            await profile.begin(server)
        begun = time.perf_counter()
        sending = await generator.send(prepared, rate)
        after, ended = await _settle(server, session, before, len(prepared), sink)
        if profile is not None:
            await profile.end(server)
        generator.close()
    window = settings.network.deduplication_window
    committed = int(after["uplinks_committed_total"] - before["uplinks_committed_total"])
    # The last window stays open after the last frame was sent; it is no work.
    elapsed = max(ended - begun - window, sending)
    downlink = downlink_latencies(generator, offered.confirmed_at, window, devices)
    delivery, delivered = [], None
    if sink is not None:
        delivery = _delivery_latencies(generator, sink, settings, devices, len(prepared))
        delivered_elapsed = max(sink.arrived.values(), default=ended) - begun - window
        delivered = round(len(sink.arrived) / delivered_elapsed, 1)
    cpu = after["cpu_seconds_total"] - before["cpu_seconds_total"]
    commits = after["commits_total"] - before["commits_total"]
    commit_seconds = after["commit_seconds_total"] - before["commit_seconds_total"]
    return UplinkResult(
        offered=len(prepared),
        offered_per_second=round(len(prepared) / sending, 1),
        committed=committed,
        committed_per_second=round(committed / elapsed, 1),
        delivered_per_second=delivered,
        base_stations=load.stations,
        devices=devices,
        downlink_latency_ms=percentiles(downlink),
        delivery_latency_ms=percentiles(delivery),
        latency_ms=percentiles(downlink if sink is None else delivery),
        cpu_seconds_per_1000_uplinks=round(cpu / max(committed, 1) * 1000, 4),
        resident_mb=round(after["resident_bytes"] / 1e6, 1),
        commits=int(commits),
        mean_commit_ms=round(commit_seconds / max(commits, 1) * 1000, 2),
    )


def _delivery_latencies(
    generator: Generator, sink: Sink, settings: Settings, devices: int, prepared: int
) -> list[float]:
    """Seconds from the end of the window to the arrival of each message at the application server."""
    space, window = (
        AddressSpace(network_parameters(settings.network).net_id),
        settings.network.deduplication_window,
    )
    return [
        when - generator.sent_at[(fcnt - 1) * devices + number] - window
        for number in range(devices)
        for fcnt in range(2, prepared // devices + 3)
        if (when := sink.arrived.get((str(bench_device(number, space).dev_eui).encode(), fcnt)))
    ]


def downlink_latencies(
    generator: Generator,
    confirmed_at: dict[DevAddr, list[int]],
    window: float,
    warm_up: int,
) -> list[float]:
    """Seconds from the end of the window to the PULL_RESP of each acknowledgement; `warm_up` leaves out those
    of frames before."""
    answered = acknowledgements(generator, confirmed_at, window)
    return [latency for position, latency in answered if position >= warm_up]


def acknowledgements(
    generator: Generator, confirmed_at: dict[DevAddr, list[int]], window: float, skip: int = 0
) -> list[tuple[int, float]]:
    """Where the frame of each acknowledgement stands, and the seconds from the end of the window to its
    PULL_RESP. `skip` leaves out so many downlinks."""
    answered = []
    for answer in generator.downlinks[skip:]:
        frame = frames.parse(answer.phy_payload)
        if not isinstance(frame, frames.DataFrame) or not frame.ack:
            continue
        sent = [p for p in confirmed_at.get(frame.dev_addr, ()) if p < len(generator.sent_at)]
        position = _answered(answer, [p for p in sent if generator.sent_at[p] <= answer.when])
        answered.append((position, answer.when - generator.sent_at[position] - window))
    return answered


def _answered(answer: Answer, sent: Sequence[int]) -> int:
    """Which of these frames is answered. That of the receive window; a busy server may answer when the device
    has long sent the next one. Without a window, as to class C, it is the newest."""
    position = frame_of_window(answer, sent)
    return max(sent, default=0) if position is None else position


def frame_of_window(answer: Answer, frames: Collection[int]) -> int | None:
    """Which of some frames has the receive window that an answer is for. None where it is for no window, as
    to class C, or for that of another frame."""
    if not answer.timestamp:
        return None
    positions = {(answer.timestamp - after) // _STEP for after in _WINDOWS}
    return max((position for position in frames if position in positions), default=None)


async def _settle(
    server: BenchServer,
    session: aiohttp.ClientSession,
    before: dict[str, float],
    expected: int,
    sink: Sink | None,
) -> tuple[dict[str, float], float]:
    """Wait until everything is committed (and delivered), or nothing moves for three seconds."""
    last_change = time.perf_counter()
    last = -1.0
    while True:
        now = await server.metrics(session)
        committed = now["uplinks_committed_total"] - before["uplinks_committed_total"]
        progress = committed + (len(sink.arrived) if sink else 0)
        if progress != last:
            last, last_change = progress, time.perf_counter()
        done = committed >= expected and (sink is None or len(sink.arrived) >= expected)
        if done or time.perf_counter() - last_change > 3:
            return now, last_change
        # Each question costs the server some milliseconds.
        await asyncio.sleep(0.05)
