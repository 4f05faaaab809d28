"""`veldnet bench`: the benchmarks of docs/benchmarks.md, against a real server process, as JSON."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import Progress

from veldnet.assembly.lone_connection import type_of
from veldnet.cli.flows import CONNECTIONS, Files, Members
from veldnet.cli.output import errors, fail, print_json
from veldnet.cli.running import run
from veldnet.cli.simulate_backhaul import protocols_named
from veldnet.domain.errors import Refusal
from veldnet.domain.flows import ConnectionSecrets
from veldnet.inventory.flows import Connection, prepare
from veldnet.simulator.backhaul import NotConnected
from veldnet.simulator.fine_clock import OPEN, TOWN

from .api import bench_api
from .base_stations import bench_base_stations
from .cluster import ClusterLoad, bench_cluster
from .cluster_fleet import Size
from .connections import ConnectionLoad, bench_connections
from .downlinks import bench_downlinks
from .forged import bench_forged
from .groups import GroupsLoad, bench_groups
from .joins import bench_joins
from .lists import ListsLoad, bench_lists
from .location import bench_location
from .monitoring import bench_monitoring
from .profile import ProfileResult, bench_profile, profile_table
from .protocols import bench_protocols
from .race import Course, Target, Where, bench_race, processes_named, sites, write_fleet_table
from .server import ServerFailed
from .start import bench_start
from .uplinks import UplinkLoad, bench_uplinks, prepare_place
from .writes import bench_writes
from .wrong_clocks import bench_wrong_clocks

bench = typer.Typer(help="Measure, against a real server process.", no_args_is_help=True)

Rate = Annotated[float, typer.Option(min=1, help="Frames a second to offer.")]
Seconds = Annotated[float, typer.Option(min=1, help="How long to send.")]


def _run(work: Callable[[Path], Awaitable[Any]]) -> None:
    async def inside() -> Any:
        with tempfile.TemporaryDirectory(prefix="veldnet-bench-") as directory:
            return await work(Path(directory))

    try:
        print_json(run(inside()))
    except ServerFailed as error:
        fail(str(error))


class Sent(msgspec.Struct, frozen=True):
    """By how many devices uplinks are sent, and where they go."""

    devices: Annotated[int, typer.Option(min=1, max=500_000, help="Joined devices that send.")] = 10_000
    base_stations: Annotated[int, typer.Option(min=1, max=20, help="Base stations that hear each.")] = 1
    deliver: Annotated[bool, typer.Option(help="Deliver each by signed HTTP POST.")] = False
    sharing: Annotated[
        int, typer.Option(min=1, max=256, help="Devices on each DevAddr; not with --deliver.")
    ] = 1


@bench.command("uplinks")
def uplinks_command(
    rate: Rate = 4000,
    seconds: Seconds = 10,
    *,
    sent: Sent,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Compare protocols of base stations: mixed for all by turns, or one of semtech-udp, "
            "basics-station, chirpstack-mqtt."
        ),
    ] = None,
) -> None:
    """Durable uplinks over UDP; latency is that of the downlink, or of the delivery with --deliver."""
    if protocol is not None:
        try:
            protocols = protocols_named(protocol)
        except NotConnected as error:
            fail(str(error))
        _run(
            lambda data: bench_protocols(
                data / "data", protocols, rate=rate, seconds=seconds, devices=sent.devices
            )
        )
        return
    _run(
        lambda data: bench_uplinks(
            data,
            UplinkLoad(rate, seconds, sent.devices, sent.base_stations, sent.sharing),
            deliver=sent.deliver,
        )
    )


@bench.command("profile")
def profile_command(
    rate: Rate = 1000,
    seconds: Seconds = 20,
    devices: Annotated[int, typer.Option(min=1, max=500_000, help="Joined devices that send.")] = 1000,
    base_stations: Annotated[int, typer.Option(min=1, max=20, help="Base stations that hear each.")] = 1,
    *,
    deliver: Annotated[bool, typer.Option(help="Deliver each by signed HTTP POST.")] = True,
    stacks: Annotated[
        Path | None,
        typer.Option(help="Write folded stacks with microseconds here, for programs that draw flame graphs."),
    ] = None,
) -> None:
    """Processor time of an uplink by the stages of its path; a table besides, on standard error."""
    load = UplinkLoad(rate, seconds, devices, base_stations)

    async def measured(data: Path) -> ProfileResult:
        result = await bench_profile(data, load, deliver=deliver, stacks=stacks)
        errors.print(profile_table(result))
        return result

    _run(measured)


@bench.command("race")
def race_command(
    target: Annotated[Target, typer.Option(help="Which server is running.")] = "veldnet",
    *,
    where: Where,
    course: Course,
    process: Annotated[
        list[str] | None, typer.Option(help="A process whose processor time is measured, as NAME=PID; many.")
    ] = None,
    fleet: Annotated[
        Path | None, typer.Option(help="Only write devices and base stations as CSV, to create them.")
    ] = None,
    prepare: Annotated[
        Path | None, typer.Option(help="Only make a data directory of Veldnet with that fleet, to serve it.")
    ] = None,
) -> None:
    """The same prepared frames to any running server: latency, losses, processor time, the highest rate."""
    if fleet is not None:
        write_fleet_table(fleet, course.devices)
        return
    try:
        if prepare is not None:
            run(prepare_place(prepare, sites()[0], f"http://{where.listen}/", course.devices))
            return
        print_json(run(bench_race(target, where, course, processes_named(process or ()))))
    except ServerFailed as error:
        fail(str(error))


class Stored(msgspec.Struct, frozen=True):
    """What else the nodes find in the database, and how often they are asked for it."""

    fleet: Annotated[int, typer.Option(help="Devices in the store, where these are more.")] = 0
    rows: Annotated[int, typer.Option(min=0, help="Frame rows of the last seven days.")] = 0
    requests: Annotated[int, typer.Option(min=0, help="Requests of each kind to the API.")] = 0


@bench.command("cluster")
def cluster_command(
    store: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database.")],
    nats: Annotated[str, typer.Option(help="URL of NATS.")],
    nodes: Annotated[int, typer.Option(min=1, max=8, help="Nodes that serve.")] = 2,
    rate: Rate = 200,
    seconds: Seconds = 10,
    devices: Annotated[int, typer.Option(min=64, max=100_000, help="Joined devices that send.")] = 1000,
    *,
    stored: Stored,
) -> None:
    """Several nodes on PostgreSQL and NATS: their CPU beside one process on SQLite, starts, hand-over,
    failover, and with --requests what the API takes to answer."""
    size = Size(max(stored.fleet, devices), stored.rows)
    load = ClusterLoad(store, nats, nodes, rate, seconds, devices, size, stored.requests)
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("writing devices", total=load.size.devices)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        _run(lambda data: bench_cluster(data, load, progress))


@bench.command("joins")
def joins_command(rate: Rate = 1000, seconds: Seconds = 10) -> None:
    """Over-the-air activations with the software vault."""
    _run(lambda data: bench_joins(data, rate=rate, seconds=seconds))


@bench.command("downlinks")
def downlinks_command(rate: Rate = 200, seconds: Seconds = 10) -> None:
    """Downlinks to devices of class C, from the HTTP request to the base station."""
    _run(lambda data: bench_downlinks(data, rate=rate, seconds=seconds))


@bench.command("forged")
def forged_command(
    rate: Annotated[float, typer.Option(min=1, help="Genuine uplinks a second.")] = 1000,
    forged: Annotated[float, typer.Option(min=1, help="Forged frames a second.")] = 5000,
    seconds: Seconds = 10,
    through: Annotated[int, typer.Option(min=1, max=256, help="Base stations that bring them.")] = 8,
) -> None:
    """Latency of genuine devices alone, then amid forged joins and data frames of several sorts."""
    _run(lambda data: bench_forged(data, rate=rate, forged=forged, seconds=seconds, through=through))


@bench.command("base-stations")
def base_stations_command(
    count: Annotated[int, typer.Option(min=1, max=5000, help="Base stations that connect.")] = 1000,
    rate: Rate = 500,
    seconds: Seconds = 10,
) -> None:
    """Connections of Basics Station: memory, CPU beside Semtech UDP, and all coming back at once."""
    _run(lambda data: bench_base_stations(data, count=count, rate=rate, seconds=seconds))


@bench.command("start")
def start_command(
    devices: Annotated[int, typer.Option(min=1, help="Devices in the store.")] = 1_000_000,
) -> None:
    """Start of the server with many devices in the store."""
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("writing devices", total=devices)
        _run(
            lambda data: bench_start(
                data, devices=devices, progress=lambda done: bar.update(task, completed=done)
            )
        )


@bench.command("monitoring")
def monitoring_command(
    rate: Annotated[float, typer.Option(min=1, help="Frames a second to offer; more than fit.")] = 8000,
    seconds: Seconds = 10,
    devices: Annotated[int, typer.Option(min=1, max=500_000, help="Joined devices that send.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Measurements with and without each.")] = 4,
) -> None:
    """What alarms and statistics take of the uplink throughput, side by side."""
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("measuring", total=2 * rounds)
        _run(
            lambda data: bench_monitoring(
                data,
                rate=rate,
                seconds=seconds,
                devices=devices,
                rounds=rounds,
                progress=lambda done: bar.update(task, completed=done),
            )
        )


@bench.command("api")
def api_command(
    devices: Annotated[int, typer.Option(min=2000, help="Devices in the store.")] = 1_000_000,
    rows: Annotated[int, typer.Option(min=1_000_000, help="Frame rows in the store.")] = 50_000_000,
    requests: Annotated[int, typer.Option(min=10, help="Requests of each operation.")] = 500,
) -> None:
    """Statistics, health and lists of devices on a store of national size (15 GB of disk)."""
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("")

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        _run(lambda data: bench_api(data, devices=devices, rows=rows, requests=requests, progress=progress))


@bench.command("writes")
def writes_command(
    seconds: Seconds = 10,
    clients: Annotated[
        list[int] | None, typer.Option(min=1, max=256, help="Requests at once; many. Else 1, 8 and 32.")
    ] = None,
    stacks: Annotated[
        Path | None,
        typer.Option(help="Write folded stacks with microseconds here, for programs that draw flame graphs."),
    ] = None,
) -> None:
    """Devices created and changed over the API, one request at a time and several at once."""
    _run(lambda data: bench_writes(data, seconds=seconds, clients=clients or (1, 8, 32), stacks=stacks))


@bench.command("lists")
def lists_command(
    devices: Annotated[int, typer.Option(min=100, help="Devices in the store.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each list is asked for.")] = 20,
    store: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database; SQLite if absent.")] = "",
) -> None:
    """Lists of devices in all orders, filters, searches and the map, asked of the store itself."""
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("")

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        _run(lambda data: bench_lists(data, ListsLoad(devices, rounds, store), progress))


@bench.command("groups")
def groups_command(
    members: Annotated[int, typer.Option(min=1, max=100_000, help="Members of the group.")] = 1000,
    base_stations: Annotated[int, typer.Option(min=1, max=1000, help="Base stations around them.")] = 40,
    rounds: Annotated[int, typer.Option(min=1, help="How often a downlink is planned.")] = 50,
) -> None:
    """Planning of a downlink to a multicast group: the choice of base stations, and their turns."""
    _run(lambda data: bench_groups(data, GroupsLoad(members, base_stations, rounds)))


@bench.command("location")
def location_command(
    devices: Annotated[
        int, typer.Option(min=20, max=100_000, help="Devices to locate, each in its city.")
    ] = 500,
    open_country: Annotated[bool, typer.Option(help="Few walls instead of a town.")] = False,
    wrong_clocks: Annotated[
        int, typer.Option(max=1000, min=0, help="Cities with wrong clocks to measure instead.")
    ] = 0,
) -> None:
    """Accuracy and speed of the location solver in a simulated city, without a server."""
    around = OPEN if open_country else TOWN
    print_json(bench_wrong_clocks(wrong_clocks, around) if wrong_clocks else bench_location(devices, around))


class Carried(msgspec.Struct, frozen=True):
    """How much goes over connections."""

    messages: Annotated[int, typer.Option(min=20, help="Messages over each connection, three times.")] = 1000
    rate: Annotated[float, typer.Option(min=1, help="Uplinks a second of the server.")] = 500
    seconds: Annotated[float, typer.Option(min=1, help="How long to send them.")] = 10
    devices: Annotated[int, typer.Option(min=1, max=500_000, help="Joined devices that send them.")] = 1000


@bench.command("connections")
def connections_command(
    carried: Carried,
    address: Annotated[
        str | None, typer.Argument(help="Of a connection to measure beside HTTP, such as mqtt://HOST:1883.")
    ] = None,
    members: Members = None,
    files: Files = None,
) -> None:
    """What a connection holds beside HTTP, and whether dead or slow ones slow the radio or others."""
    settings, secrets = None, ConnectionSecrets()
    if address is not None:
        body = CONNECTIONS.body(members, files) | {"name": "bench", "address": address}
        body.setdefault("type", type_of(address))
        try:
            prepared = prepare(msgspec.convert(body, Connection), None, allow_private=True)
        except Refusal as error:
            fail(str(error))
        settings, secrets = prepared.settings, prepared.secrets
    uplinks = UplinkLoad(carried.rate, carried.seconds, carried.devices)
    load = ConnectionLoad(carried.messages, uplinks)
    _run(lambda data: bench_connections(data, load, settings, secrets))
