"""`veldnet bench downlinks`: to devices of class C, from the request to the base station."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import DevAddr, GatewayEui, frames
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings

from .fleet import Fleet, bench_device, create_fleet
from .load import Generator, Percentiles, percentiles
from .server import BenchServer
from .uplinks import create_sites

_PATH = "/thingpark/lrc/rest/downlink?DevEUI={}&FPort=2&Payload=0102030405060708090a&FCntDn={}"
# Twentieths of a second.
_ATTEMPTS = 100


class DownlinkResult(msgspec.Struct, frozen=True):
    """Rates a second; latencies in milliseconds from the request to the PULL_RESP, and to the HTTP answer."""

    offered: int
    offered_per_second: float
    taken: int
    handed_over: int
    latency_ms: Percentiles | None
    answer_ms: Percentiles | None


async def bench_downlinks(data: Path, *, rate: float, seconds: float) -> DownlinkResult:
    """Each device is sent one downlink, so that none waits for another."""
    settings = Settings(data=str(data))
    parameters = network_parameters(settings.network)
    count = int(rate * seconds)
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    gateways = await create_sites(opened, GatewayEui.parse(sandbox.base_station_eui))
    await create_fleet(opened, parameters, Fleet(count, joined=True, class_c_every=1))
    await opened.close()
    server = await BenchServer.start(data)
    space = AddressSpace(parameters.net_id)
    asked: dict[DevAddr, float] = {}
    answers: list[float] = []
    try:
        generator = Generator(server.udp, gateways)
        generator.begin()
        await asyncio.sleep(0.5)

        async def submit(session: aiohttp.ClientSession, number: int) -> None:
            device = bench_device(number, space)
            asked[device.dev_addr] = begun = time.perf_counter()
            async with session.post(server.http + _PATH.format(device.dev_eui, 0)) as response:
                if response.status == 200:
                    answers.append(time.perf_counter() - begun)

        async with aiohttp.ClientSession() as session:
            started = time.perf_counter()
            waiting: set[asyncio.Task[None]] = set()
            for number in range(count):
                await asyncio.sleep(max(started + number / rate - time.perf_counter(), 0))
                task = asyncio.get_running_loop().create_task(submit(session, number))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
            sending = time.perf_counter() - started
            await asyncio.gather(*waiting)
            for _ in range(_ATTEMPTS):
                if len(generator.downlinks) >= len(answers):
                    break
                await asyncio.sleep(0.05)
        generator.close()
    finally:
        await server.stop()
    first: dict[DevAddr, float] = {}
    for when, phy_payload, _timestamp in generator.downlinks:
        frame = frames.parse(phy_payload)
        if isinstance(frame, frames.DataFrame):
            first.setdefault(frame.dev_addr, when)
    latencies = [when - asked[address] for address, when in first.items() if address in asked]
    return DownlinkResult(
        offered=count,
        offered_per_second=round(count / sending, 1),
        taken=len(answers),
        handed_over=len(latencies),
        latency_ms=percentiles(latencies),
        answer_ms=percentiles(answers),
    )
