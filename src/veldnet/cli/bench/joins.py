"""`veldnet bench joins`: over-the-air activations with the software vault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import AesKey, GatewayEui
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import decrypt_join_accept, join_accept_mic, join_request_mic
from veldnet.lorawan.modulation import Lora
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import load_settings
from veldnet.simulator.base_station import HeardFrame
from veldnet.simulator.propagation import Heard
from veldnet.simulator.udp_link import push_data

from .fleet import JOIN_EUI, Fleet, bench_device, create_fleet
from .load import Generator, Percentiles, Prepared, percentiles
from .server import BenchServer
from .uplinks import create_sites

# Microseconds by the clock of the base stations: between two requests, and from one to its receive windows.
_TICKS = 100
_JOIN_DELAYS = (5_000_000, 6_000_000)
_ANSWERS = 0.5


class JoinResult(msgspec.Struct, frozen=True):
    """Rates a second; latency in milliseconds from the end of the window to the join-accept's hand-over."""

    offered: int
    offered_per_second: float
    accepted: int
    joins_per_second: float
    latency_ms: Percentiles | None
    cpu_seconds_per_1000_joins: float
    resident_mb: float


def prepare_joins(
    count: int, gateways: Sequence[GatewayEui], space: AddressSpace, first: int = 0
) -> list[Prepared]:
    """Join-requests of devices from `first` on, each heard by one of the gateways."""
    euis = [int(gateway).to_bytes(8, "big") for gateway in gateways]
    prepared = []
    for position in range(count):
        device = bench_device(first + position, space)
        request = JoinRequest(JOIN_EUI, device.dev_eui, 1 + position % 65_000, b"")
        octets = request.unsigned() + join_request_mic(device.app_key, request.unsigned())
        prepared.append(
            Prepared(
                (
                    push_data(
                        euis[position % len(euis)],
                        (position & 0xFFFF).to_bytes(2, "big"),
                        HeardFrame(
                            octets,
                            868_100_000,
                            Lora(7, 125),
                            Heard(-100, 5.0),
                            position * _TICKS & 0xFFFFFFFF,
                        ),
                    ),
                )
            )
        )
    return prepared


async def bench_joins(data: Path, *, rate: float, seconds: float) -> JoinResult:
    """Every device joins once."""
    # As the environment has it: VELDNET_KEYS__VAULT=pkcs11 measures a module.
    settings = load_settings({"data": str(data)})
    parameters = network_parameters(settings.network)
    count = int(rate * seconds)
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    gateways = await create_sites(opened, GatewayEui.parse(sandbox.base_station_eui))
    await create_fleet(opened, parameters, Fleet(count, joined=False))
    await opened.close()
    prepared = prepare_joins(count, gateways, AddressSpace(parameters.net_id))
    server = await BenchServer.start(data)
    try:
        async with aiohttp.ClientSession() as session:
            generator = Generator(server.udp, gateways)
            generator.begin()
            before = await server.metrics(session)
            begun = time.perf_counter()
            sending = await generator.send(prepared, rate)
            last, last_change = -1.0, time.perf_counter()
            while True:
                after = await server.metrics(session)
                accepted = after["joins_accepted_total"] - before["joins_accepted_total"]
                if accepted != last:
                    last, last_change = accepted, time.perf_counter()
                if accepted >= count or time.perf_counter() - last_change > 3:
                    break
                await asyncio.sleep(0.02)
            # The last join-accepts are still on their way.
            await asyncio.sleep(_ANSWERS)
            generator.close()
    finally:
        await server.stop()
    window = settings.network.deduplication_window
    latencies = _latencies(generator, count, AddressSpace(parameters.net_id), window)
    cpu = after["cpu_seconds_total"] - before["cpu_seconds_total"]
    elapsed = max(last_change - begun - window, sending)
    return JoinResult(
        offered=count,
        offered_per_second=round(count / sending, 1),
        accepted=int(accepted),
        joins_per_second=round(accepted / elapsed, 1),
        latency_ms=percentiles(latencies),
        cpu_seconds_per_1000_joins=round(cpu / max(accepted, 1) * 1000, 4),
        resident_mb=round(after["resident_bytes"] / 1e6, 1),
    )


def _latencies(generator: Generator, count: int, space: AddressSpace, window: float) -> list[float]:
    """Seconds from the end of the window to each join-accept. Its transmission time tells which request it
    answers, in RX1 or in RX2; the MIC proves it."""
    latencies = []
    for when, phy_payload, timestamp in generator.downlinks:
        for delay in _JOIN_DELAYS:
            position = (timestamp - delay) // _TICKS
            if 0 <= position < count and _answers(phy_payload, bench_device(position, space).app_key):
                latencies.append(when - generator.sent_at[position] - window)
                break
    return latencies


def _answers(phy_payload: bytes, key: AesKey) -> bool:
    accept, mic = decrypt_join_accept(key, phy_payload)
    return join_accept_mic(key, accept) == mic
