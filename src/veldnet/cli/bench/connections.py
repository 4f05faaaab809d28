"""`veldnet bench connections`: what a connection holds, its CPU beside HTTP, and what a dead one slows."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from veldnet.assembly.lone_connection import LoneConnection, lone_connection
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.logs import configure_logs
from veldnet.settings import LogSettings

from .server import ServerFailed
from .sink import Sink
from .uplinks import UplinkLoad, UplinkResult, bench_uplinks

# Messages under way at once over a connection.
_AT_ONCE, _ROUNDS = 20, 3
_CONNECT_WITHIN = 10.0
# Seconds after which the slow one answers.
_SLOW = 2.0
_DOCUMENT = {
    "DevEUI_uplink": {
        "Time": "2027-01-15T08:00:00.120+00:00",
        "DevEUI": "0059AC0000000001",
        "FPort": 3,
        "FCntUp": 17,
        "payload_hex": "0a0b0c0d0e0f",
        "payload": {"temperature": 21.5, "humidity": 48},
        "Lrrs": {
            "Lrr": [{"Lrrid": f"{number:08x}", "LrrRSSI": "-101.0", "LrrSNR": "8.25"} for number in range(9)]
        },
    }
}
_BODY = json.dumps(_DOCUMENT).encode()


class ConnectionLoad(msgspec.Struct, frozen=True):
    """`messages` over each connection; then uplinks a second for so many seconds, of so many devices."""

    messages: int
    uplinks: UplinkLoad


class TransportResult(msgspec.Struct, frozen=True):
    """Messages a second over a connection by itself, and beside another one to a server that says nothing;
    processor time of a message in microseconds, and how many times that of HTTP it is."""

    type: str
    address: str
    octets: int
    per_second: float
    per_second_beside_dead: float
    cpu_us: float
    cpu_beside_http: float


class RadioResult(msgspec.Struct, frozen=True):
    """What the same uplinks take of a server with these connections, in one of the rounds; `uplinks` has what
    was delivered over the first of them."""

    round: int
    connections: str
    uplinks: UplinkResult


class ConnectionsBench(msgspec.Struct, frozen=True):
    """What `veldnet bench connections` prints."""

    transports: list[TransportResult]
    radio: list[RadioResult]


class _Measured(NamedTuple):
    alone: float
    beside: float
    cpu_us: float


async def bench_connections(
    data: Path, load: ConnectionLoad, settings: ConnectionSettings | None, secrets: ConnectionSecrets
) -> ConnectionsBench:
    """Measure HTTP, and the connection that is given. Raises `ServerFailed` where nothing goes over it."""
    return ConnectionsBench(
        await bench_transports(load.messages, settings, secrets), await _radio(data, load.uplinks)
    )


async def bench_transports(
    messages: int, settings: ConnectionSettings | None, secrets: ConnectionSecrets
) -> list[TransportResult]:
    """Each in a process of its own, so that its processor time is that of the transport."""
    sink = Sink()
    http = ConnectionSettings(type="HTTP", address=await sink.start())
    wanted = [(http, ConnectionSecrets())] + ([] if settings is None else [(settings, secrets)])
    found: list[TransportResult] = []
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        for each, hidden in wanted:
            told = msgspec.json.encode(each), msgspec.json.encode(hidden), messages
            measured = _Measured(*await loop.run_in_executor(processes, _measure, *told))
            first = found[0].cpu_us if found else measured.cpu_us
            found.append(
                TransportResult(
                    each.type,
                    each.address,
                    len(_BODY),
                    round(measured.alone, 1),
                    round(measured.beside, 1),
                    round(measured.cpu_us, 1),
                    round(measured.cpu_us / first, 2),
                )
            )
    sink.stop()
    return found


def _measure(settings: bytes, secrets: bytes, messages: int) -> tuple[float, float, float]:
    """In a process of its own, which prints nothing."""
    configure_logs(LogSettings(level="error"))
    return asyncio.run(
        _rates(
            msgspec.json.decode(settings, type=ConnectionSettings),
            msgspec.json.decode(secrets, type=ConnectionSecrets),
            messages,
        )
    )


async def _rates(settings: ConnectionSettings, secrets: ConnectionSecrets, messages: int) -> _Measured:
    """Medians of rounds; each in turn alone and beside a connection that is dead."""
    alone, beside, cpu = [], [], []
    async with lone_connection(settings, secrets) as connection:
        if problem := await connection.deliver(0, _BODY):
            raise ServerFailed(f"nothing goes over {settings.address}: {problem}")
        for _round in range(_ROUNDS):
            rate, used = await _rate(connection, messages)
            alone.append(rate)
            cpu.append(used)
            with _silent() as address:
                async with lone_connection(_moved(settings, address), secrets) as dead:
                    waiting = [asyncio.ensure_future(dead.deliver(n, _BODY)) for n in range(_AT_ONCE)]
                    beside.append((await _rate(connection, messages))[0])
                    for each in waiting:
                        each.cancel()
    return _Measured(median(alone), median(beside), median(cpu))


async def _rate(connection: LoneConnection, messages: int) -> tuple[float, float]:
    """Messages a second, and microseconds of processor time for each."""
    numbers = iter(range(messages))

    async def work() -> None:
        for number in numbers:
            if problem := await connection.deliver(number, _BODY):
                raise ServerFailed(f"a message was not delivered: {problem}")

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return messages / (time.perf_counter() - begun), (time.process_time() - cpu) / messages * 1e6


@contextmanager
def _silent() -> Iterator[str]:
    """Host and port of a server that takes connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1000)
        yield f"127.0.0.1:{server.getsockname()[1]}"


def _moved(settings: ConnectionSettings, place: str) -> ConnectionSettings:
    scheme, _separator, rest = settings.address.partition("://")
    path = rest[rest.index("/") :] if "/" in rest else ""
    return replace(settings, address=f"{scheme}://{place}{path}")


# The radio.


async def _radio(data: Path, load: UplinkLoad) -> list[RadioResult]:
    """The same load without connections, with one, and with that one beside others that are dead or slow, in
    turn in each round."""
    found = []
    slow = Sink(delay=_SLOW)
    with _silent() as place:
        beside: list[dict[str, Any]] = [
            {"name": "dead HTTP", "type": "HTTP", "address": f"http://{place}/"},
            {"name": "dead MQTT", "type": "MQTT", "address": f"mqtt://{place}"},
        ]
        late = [{"name": "slow HTTP", "type": "HTTP", "address": await slow.start()}]
        cases: list[tuple[str, list[dict[str, Any]] | None]] = [
            ("none", None),
            ("HTTP", []),
            ("HTTP, and two that are dead", beside),
            ("HTTP, and one that is slow", late),
        ]
        for number in range(_ROUNDS):
            for index, (words, more) in enumerate(cases):
                place_of = data / f"{number}-{index}"
                place_of.mkdir()
                uplinks = await bench_uplinks(place_of, load, deliver=False, connections=more)
                found.append(RadioResult(number + 1, words, uplinks))
    slow.stop()
    return found
