"""`veldnet bench race`: the same prepared frames to any running network server, and what becomes of them.

The server is Veldnet, or ChirpStack behind its gateway bridge. Its devices have the sessions of the benchmark
fleet: `--prepare` writes a data directory of Veldnet with them, `--fleet` a table for others.
"""

from __future__ import annotations

import asyncio
import csv
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
import typer
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from veldnet.assembly.network_settings import network_parameters
from veldnet.lorawan import GatewayEui
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings

from .fleet import SITES, BenchDevice, bench_device
from .load import Generator, Percentiles, percentiles
from .server import ServerFailed
from .sink import Sink
from .uplinks import prepare

Target = Literal["veldnet", "chirpstack"]

# Where a result names its device and counter.
_RESULTS = {
    "veldnet": re.compile(rb'"DevEUI":"([0-9A-Fa-f]{16})".*?"FCntUp":(\d+)', re.DOTALL),
    "chirpstack": re.compile(rb'"devEui": ?"([0-9A-Fa-f]{16})".*?"fCnt": ?(\d+)', re.DOTALL),
}
# A rate is held with so many of the frames delivered, and so many seconds at the 99th percentile.
_DELIVERED, _WITHIN = 0.999, 1.0
# Seconds without a result after which the rest is lost.
_SILENCE = 3.0
_BISECTIONS = 5
_TICKS = os.sysconf("SC_CLK_TCK")


class Where(msgspec.Struct, frozen=True):
    """Where frames go, and where results come from."""

    udp: Annotated[str, typer.Option(help="Semtech UDP of the server or its gateway bridge.")] = (
        "127.0.0.1:1700"
    )
    listen: Annotated[
        str, typer.Option(help="Where results come by HTTP POST: what the server delivers to.")
    ] = "127.0.0.1:9870"
    mqtt: Annotated[str, typer.Option(help="Broker that results come from instead, as host:port.")] = ""
    topic: Annotated[str, typer.Option(help="Topic of the results on that broker.")] = (
        "application/+/device/+/event/up"
    )


class Course(msgspec.Struct, frozen=True):
    """How much is sent. Counters rise from run to run: `first` is behind the frames of the one before."""

    rate: Annotated[float, typer.Option(min=1, help="Frames a second.")] = 100
    until: Annotated[
        float, typer.Option(min=0, help="Look for the highest rate that is held, up to this one; 0 for none.")
    ] = 0
    seconds: Annotated[float, typer.Option(min=1, help="How long to send at each rate.")] = 10
    devices: Annotated[int, typer.Option(min=1, max=100_000, help="Devices of the fleet.")] = 1000
    stations: Annotated[int, typer.Option(min=1, max=20, help="Base stations that hear each frame.")] = 1
    first: Annotated[int, typer.Option(min=0, help="`next` of the run before on the same server.")] = 0


class RaceStep(msgspec.Struct, frozen=True):
    """One rate. `latency_ms` is from sending to the arrival of the result, the server's own window for copies
    included; `cpu_seconds` of each named process."""

    rate: float
    sent_per_second: float
    sent: int
    lost: int
    delivered_per_second: float
    latency_ms: Percentiles | None
    cpu_seconds: dict[str, float]
    cpu_seconds_per_1000: float | None
    held: bool


class RaceResult(msgspec.Struct, frozen=True):
    """`knee` is the highest rate that was held; `next` is where the counters go on."""

    target: str
    results: str
    devices: int
    base_stations: int
    cores: int
    load_average: float
    steps: list[RaceStep]
    knee: float | None
    next: int


class _Runner(NamedTuple):
    generator: Generator
    sink: Sink
    fleet: list[BenchDevice]
    gateways: list[GatewayEui]
    processes: dict[str, int]


def sites() -> list[GatewayEui]:
    """EUIs of the base stations that the frames come through."""
    return [GatewayEui(_FIRST_STATION + number) for number in range(SITES)]


# The sandbox is made with this one.
_FIRST_STATION = 0x0059AC00BE000000


def race_fleet(devices: int) -> list[BenchDevice]:
    space = AddressSpace(network_parameters(Settings().network).net_id)
    return [bench_device(number, space) for number in range(devices)]


def write_fleet_table(file: Path, devices: int) -> None:
    """Devices with the keys of their sessions, and the base stations, for who creates them elsewhere."""
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("kind", "eui", "devAddr", "nwkSKey", "appSKey"))
        rows.writerows(("gateway", str(eui).lower(), "", "", "") for eui in sites())
        for each in race_fleet(devices):
            keys = bytes(each.nwk_s_key).hex(), bytes(each.app_key).hex()
            rows.writerow(("device", str(each.dev_eui).lower(), str(each.dev_addr).lower(), *keys))


def processes_named(named: Sequence[str]) -> dict[str, int]:
    """`NAME=PID` of each process whose processor time is measured. Raises `ServerFailed`."""
    found = {}
    for text in named:
        name, _equals, number = text.rpartition("=")
        if not name or not number.isdigit():
            raise ServerFailed(f"{text}: a process is named as NAME=PID, such as server=4711")
        found[name] = int(number)
        cpu_seconds(name, int(number))
    return found


def cpu_seconds(name: str, pid: int) -> float:
    """Processor time of all threads of a process. Raises `ServerFailed`."""
    try:
        # The name in brackets may hold blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        raise ServerFailed(f"process {name} ({pid}) is not running") from None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def address_of(text: str, option: str) -> tuple[str, int]:
    """Raises `ServerFailed`."""
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ServerFailed(f"{option} {text}: an address is given as HOST:PORT, such as 127.0.0.1:1700")
    return host, int(port)


async def bench_race(target: Target, where: Where, course: Course, processes: dict[str, int]) -> RaceResult:
    """Send at one rate, or look for the highest rate that is held."""
    sink = Sink(_RESULTS[target])
    subscriber = None
    if where.mqtt:
        subscriber = _subscribe(sink, address_of(where.mqtt, "--mqtt"), where.topic)
    else:
        await _listen(sink, address_of(where.listen, "--listen"))
    gateways = sites()
    generator = Generator(address_of(where.udp, "--udp"), gateways)
    generator.begin()
    runner = _Runner(generator, sink, race_fleet(course.devices), gateways, processes)
    try:
        # The way back for downlinks is known before the first frame.
        await asyncio.sleep(1.0)
        steps, following = await _steps(runner, course)
    finally:
        generator.close()
        sink.stop()
        if subscriber is not None:
            subscriber.loop_stop()
    held = [step.rate for step in steps if step.held]
    return RaceResult(
        target,
        "MQTT" if where.mqtt else "HTTP",
        course.devices,
        course.stations,
        os.cpu_count() or 1,
        round(os.getloadavg()[0], 2),
        steps,
        max(held, default=None) if course.until else None,
        following,
    )


async def _listen(sink: Sink, address: tuple[str, int]) -> None:
    try:
        await sink.start(*address)
    except OSError as error:
        raise ServerFailed(f"--listen {address[0]}:{address[1]}: {error.strerror}") from None


def _subscribe(sink: Sink, address: tuple[str, int], topic: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2)

    def take(_client: Client, _data: object, message: MQTTMessage) -> None:
        sink.take(bytes(message.payload))

    client.on_message = take
    try:
        client.connect(*address)
    except OSError as error:
        raise ServerFailed(f"--mqtt {address[0]}:{address[1]}: {error.strerror or error}") from None
    client.subscribe(topic)
    client.loop_start()
    return client


async def _steps(runner: _Runner, course: Course) -> tuple[list[RaceStep], int]:
    """The rate that was asked for; then, where a knee is looked for, rates half-way between held and not."""
    # Each device is heard once, so that its session is in memory.
    position = course.first
    warm = max(course.devices, 1)
    _step, position = await _measure(runner, course, min(course.rate, warm), position, warm)
    steps: list[RaceStep] = []
    low, high, rate = course.rate, course.until, course.rate
    while True:
        count = max(int(rate * course.seconds), 1)
        step, position = await _measure(runner, course, rate, position, count)
        steps.append(step)
        if not course.until or len(steps) > _BISECTIONS or (len(steps) == 1 and not step.held):
            return steps, position
        low, high = (rate, high) if step.held else (low, rate)
        rate = round((low + high) / 2)


async def _measure(
    runner: _Runner, course: Course, rate: float, position: int, count: int
) -> tuple[RaceStep, int]:
    prepared, _confirmed = prepare(count, runner.fleet, runner.gateways, course.stations, first=position)
    generator, sink = runner.generator, runner.sink
    sink.arrived.clear()
    before = {name: cpu_seconds(name, pid) for name, pid in runner.processes.items()}
    sent_from, begun = len(generator.sent_at), time.perf_counter()
    sending = await generator.send(prepared, rate)
    await _settle(sink, count)
    used = {name: round(cpu_seconds(name, pid) - before[name], 2) for name, pid in runner.processes.items()}
    latencies = []
    for number in range(count):
        device = runner.fleet[(position + number) % len(runner.fleet)]
        key = str(device.dev_eui).encode(), (position + number) // len(runner.fleet) + 1
        when = sink.arrived.get(key)
        if when is not None:
            latencies.append(when - generator.sent_at[sent_from + number])
    delivered = len(latencies)
    found = percentiles(latencies)
    elapsed = max(sink.arrived.values(), default=begun + sending) - begun
    return (
        RaceStep(
            rate,
            round(count / sending, 1),
            count,
            count - delivered,
            round(delivered / elapsed, 1),
            found,
            used,
            round(sum(used.values()) / delivered * 1000, 3) if used and delivered else None,
            delivered >= _DELIVERED * count and found is not None and found.p99 < 1000 * _WITHIN,
        ),
        position + count,
    )


async def _settle(sink: Sink, expected: int) -> None:
    """Wait for the results, until none has come for a while."""
    seen, since = -1, time.perf_counter()
    while len(sink.arrived) < expected:
        if len(sink.arrived) != seen:
            seen, since = len(sink.arrived), time.perf_counter()
        elif time.perf_counter() - since > _SILENCE:
            return
        await asyncio.sleep(0.02)
