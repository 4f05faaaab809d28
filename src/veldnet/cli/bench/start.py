"""`veldnet bench start`: from the start of the process to the first accepted uplink, with a large fleet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec

from veldnet.cli.sandbox import make_sandbox
from veldnet.data_directory import DataDirectory, database_of
from veldnet.lorawan import GatewayEui
from veldnet.network.addressing import AddressSpace
from veldnet.network_settings import network_parameters
from veldnet.settings import Settings

from .fleet import bench_device, create_fleet
from .load import Generator
from .server import BenchServer
from .uplinks import prepare


class StartResult(msgspec.Struct, frozen=True):
    """Seconds and megabytes."""

    devices: int
    seconds_to_listening: float
    seconds_to_first_uplink: float
    database_mb: float
    resident_mb: float


async def bench_start(data: Path, *, devices: int, progress: Callable[[int], None]) -> StartResult:
    """Create the fleet once, then start a server on it and send one frame."""
    settings = Settings(data=str(data))
    parameters = network_parameters(settings.network)
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    await create_fleet(opened, parameters, devices, joined=True, progress=progress)
    await opened.close()
    gateway = GatewayEui.parse(sandbox.base_station_eui)
    space = AddressSpace(parameters.net_id)
    prepared, _confirmed = prepare(1, [bench_device(0, space)], [gateway], 1)
    begun = time.perf_counter()
    server = await BenchServer.start(data)
    try:
        listening = time.perf_counter() - begun
        async with aiohttp.ClientSession() as session:
            generator = Generator(server.udp, [gateway])
            generator.begin()
            await generator.send(prepared, 1000)
            while True:
                metrics = await server.metrics(session)
                if metrics["uplinks_committed_total"] >= 1:
                    break
                await asyncio.sleep(0.005)
            first = time.perf_counter() - begun
            generator.close()
    finally:
        await server.stop()
    return StartResult(
        devices=devices,
        seconds_to_listening=round(listening, 3),
        seconds_to_first_uplink=round(first, 3),
        database_mb=round(database_of(settings).stat().st_size / 1e6, 1),
        resident_mb=round(metrics["resident_bytes"] / 1e6, 1),
    )
