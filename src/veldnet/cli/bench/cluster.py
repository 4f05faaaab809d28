"""`veldnet bench cluster`: what several nodes cost beside one process on SQLite, and how soon others take
over from one that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import GatewayEui, frames
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings, load_settings
from veldnet.store import read_cluster

from .fleet import Fleet, bench_device, create_fleet
from .load import Prepared, Spread
from .server import BenchServer
from .uplinks import UplinkLoad, bench_uplinks, create_sites, prepare

_KEY = Path("vault") / "master.key"
_TIMEOUT = 30.0
# Confirmed uplinks a second while a node is killed.
_FAILOVER_RATE = 100.0
_SAMPLE = re.compile(r"veldnet_(\w+)\{node=\"[^\"]*\"\} (\S+)")


class ClusterLoad(msgspec.Struct, frozen=True):
    """Where PostgreSQL (an empty database) and NATS are, how many nodes serve, and what they are sent."""

    store: str
    nats: str
    nodes: int
    rate: float
    seconds: float
    devices: int


class ClusterResult(msgspec.Struct, frozen=True):
    """CPU is that of all nodes, without PostgreSQL and NATS. `failover_seconds` is from kill -9 of a node to
    the first answer to a device that it served."""

    nodes: int
    offered: int
    committed: int
    forwarded: int
    cpu_seconds_per_1000_uplinks: float
    one_process_cpu_seconds_per_1000_uplinks: float
    cpu_ratio: float
    failover_seconds: float | None


async def bench_cluster(folder: Path, load: ClusterLoad) -> ClusterResult:
    """The same load for one process on SQLite, then for the nodes; then one of these is killed."""
    alone = await bench_uplinks(
        folder / "alone", UplinkLoad(load.rate, load.seconds, load.devices), deliver=False
    )
    directories = [folder / f"node{number}" for number in range(load.nodes)]
    gateways = await _build(directories, load)
    servers = [
        await BenchServer.start(
            directory,
            {
                "VELDNET_STORE__URL": load.store,
                "VELDNET_CLUSTER__NATS": load.nats,
                "VELDNET_CLUSTER__NODE": directory.name,
            },
        )
        for directory in directories
    ]
    try:
        return await _measure(servers, gateways, load, alone.cpu_seconds_per_1000_uplinks)
    finally:
        for server in servers:
            await server.stop()


def _settings(directory: Path, load: ClusterLoad) -> Settings:
    return load_settings({"data": str(directory), "store.url": load.store, "keys.process": False})


async def _build(directories: Sequence[Path], load: ClusterLoad) -> list[GatewayEui]:
    settings = _settings(directories[0], load)
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    gateways = await create_sites(opened, GatewayEui.parse(sandbox.base_station_eui))
    await create_fleet(opened, network_parameters(settings.network), Fleet(load.devices, joined=True))
    await opened.close()
    for directory in directories[1:]:
        (directory / _KEY).parent.mkdir(mode=0o700, parents=True)
        shutil.copy2(directories[0] / _KEY, directory / _KEY)
    return gateways


async def _measure(
    servers: list[BenchServer], gateways: list[GatewayEui], load: ClusterLoad, alone: float
) -> ClusterResult:
    space = AddressSpace(network_parameters(load_settings().network).net_id)
    fleet = [bench_device(number, space) for number in range(load.devices)]
    sent = load.devices + int(load.rate * load.seconds)
    later = int(_FAILOVER_RATE * _TIMEOUT)
    prepared, _confirmed = prepare(sent, fleet, gateways, 1)
    answered, _confirmed = prepare(sent + later, fleet, gateways, 1, 1)
    radio = Spread([server.udp for server in servers], gateways)
    radio.begin()
    async with aiohttp.ClientSession() as session:
        await _balanced(load)
        await radio.send(prepared[: load.devices], min(load.rate, 1000))
        before = await _settled(servers, session)
        await radio.send(prepared[load.devices :], load.rate)
        after = await _settled(servers, session)
    committed = after["uplinks_committed_total"] - before["uplinks_committed_total"]
    cpu = (after["cpu_seconds_total"] - before["cpu_seconds_total"]) / max(committed, 1) * 1000
    failover = None
    if len(servers) > 1:
        failover = await _fail(servers, space, radio, answered[sent:], load)
    radio.close()
    return ClusterResult(
        nodes=load.nodes,
        offered=sent - load.devices,
        committed=int(committed),
        forwarded=int(after["forwarded"] - before["forwarded"]),
        cpu_seconds_per_1000_uplinks=round(cpu, 4),
        one_process_cpu_seconds_per_1000_uplinks=alone,
        cpu_ratio=round(cpu / alone, 2) if alone else 0.0,
        failover_seconds=failover,
    )


async def _partitions(load: ClusterLoad, directory: Path) -> dict[int, str]:
    opened = await DataDirectory.open(_settings(directory, load), vaults=False)
    try:
        view = await opened.store.read(read_cluster)
    finally:
        await opened.close()
    return {partition: held.owner for partition, held in view.leases.items()}


async def _balanced(load: ClusterLoad) -> None:
    """Nodes take and give for a while after the last has come."""
    await asyncio.sleep(3.0 if load.nodes > 1 else 1.0)


async def _settled(servers: Sequence[BenchServer], session: aiohttp.ClientSession) -> dict[str, float]:
    """The metrics of all nodes, added up, once nothing is written any more."""
    found, end = await _sums(servers, session), time.perf_counter() + _TIMEOUT
    while time.perf_counter() < end:
        await asyncio.sleep(1.0)
        again = await _sums(servers, session)
        if again["uplinks_committed_total"] == found["uplinks_committed_total"]:
            break
        found = again
    return found


async def _sums(servers: Sequence[BenchServer], session: aiohttp.ClientSession) -> dict[str, float]:
    sums: dict[str, float] = {"forwarded": 0.0}
    for server in servers:
        async with session.get(f"{server.http}/metrics") as response:
            text = await response.text()
        for name, value in _SAMPLE.findall(text):
            sums[name] = sums.get(name, 0.0) + float(value)
        for value in re.findall(r"veldnet_bus_received_total\{[^}]*subject=\"uplinks\"[^}]*\} (\S+)", text):
            sums["forwarded"] += float(value)
    return sums


async def _fail(
    servers: list[BenchServer],
    space: AddressSpace,
    radio: Spread,
    prepared: list[Prepared],
    load: ClusterLoad,
) -> float | None:
    """Kill a node under load; the seconds until a device that it served is answered by another."""
    gone = servers.pop()
    directory = Path(gone.data)
    owners = await _partitions(load, directory)
    lost = {partition for partition, owner in owners.items() if owner == directory.name}
    radio.move(gone.udp, servers[0].udp)
    sending = asyncio.create_task(radio.send(prepared, _FAILOVER_RATE))
    await asyncio.sleep(1.0)
    gone.process.kill()
    killed, seen = time.perf_counter(), 0
    await gone.process.wait()
    found = None
    while found is None and time.perf_counter() - killed < _TIMEOUT:
        await asyncio.sleep(0.02)
        for answer in radio.downlinks[seen:]:
            frame = frames.parse(answer.phy_payload)
            # What it had decided on before may still arrive.
            if answer.when - killed <= 0.1 or not isinstance(frame, frames.DataFrame):
                continue
            if space.partition_of_address(frame.dev_addr) in lost:
                found = found or round(answer.when - killed, 2)
        seen = len(radio.downlinks)
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending
    return found
