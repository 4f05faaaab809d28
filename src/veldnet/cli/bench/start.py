"""`veldnet bench start`: from the start of the process to the first accepted uplink, with a large fleet."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory, database_of
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings

from .fleet import Fleet, bench_device, create_fleet
from .load import Generator
from .server import BenchServer
from .uplinks import create_sites, prepare

# Uplinks a second while the server starts, and for how many seconds they are sent.
_RATE = 100
_SECONDS = 8.0
# Until the last of them are committed.
_SETTLING = 1.0
_TIMEOUT = 60.0


class StartResult(msgspec.Struct, frozen=True):
    """Seconds and megabytes. Uplinks come all the while, from before the process begins."""

    devices: int
    seconds_to_listening: float
    seconds_to_first_uplink: float
    uplinks_sent: int
    uplinks_lost: int
    # As many seconds of uplinks are lost.
    seconds_deaf: float
    database_mb: float
    resident_mb: float


async def bench_start(data: Path, *, devices: int, progress: Callable[[int], None]) -> StartResult:
    """Create the fleet once, then start a server on it while the devices send."""
    settings = Settings(data=str(data))
    parameters = network_parameters(settings.network)
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    await create_fleet(opened, parameters, Fleet(devices, joined=True), progress)
    gateways = await create_sites(opened, GatewayEui.parse(sandbox.base_station_eui))
    await opened.close()
    space = AddressSpace(parameters.net_id)
    speaking = [bench_device(number, space) for number in range(min(devices, 400))]
    prepared, _confirmed = prepare(int(_RATE * _SECONDS), speaking, gateways, 1)
    address = ("127.0.0.1", _free_port())
    generator = Generator(address, gateways)
    generator.begin()
    begun = time.perf_counter()
    sending = asyncio.create_task(generator.send(prepared, _RATE))
    server = await BenchServer.start(data, udp=f"{address[0]}:{address[1]}")
    try:
        listening = time.perf_counter() - begun
        async with aiohttp.ClientSession() as session:
            async with asyncio.timeout(_TIMEOUT):
                while True:
                    metrics = await server.metrics(session)
                    if metrics["uplinks_committed_total"] >= 1:
                        break
                    await asyncio.sleep(0.005)
            first = time.perf_counter() - begun
            await sending
            await asyncio.sleep(_SETTLING)
            metrics = await server.metrics(session)
    finally:
        generator.close()
        await server.stop()
    lost = len(prepared) - int(metrics["uplinks_committed_total"])
    return StartResult(
        devices=devices,
        seconds_to_listening=round(listening, 3),
        seconds_to_first_uplink=round(first, 3),
        uplinks_sent=len(prepared),
        uplinks_lost=lost,
        seconds_deaf=round(lost / _RATE, 2),
        database_mb=round(database_of(settings).size() / 1e6, 1),
        resident_mb=round(metrics["resident_bytes"] / 1e6, 1),
    )


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
