"""`veldnet bench cluster`: what several nodes cost beside one process on SQLite, and how soon others take
over from one that is killed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec

from veldnet.assembly.network_settings import network_parameters
from veldnet.lorawan import frames
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import load_settings

from .cluster_fleet import Installation, Progress, Size, Watch, ask, build, until_ready
from .fleet import BenchDevice, bench_device
from .load import Percentiles, Spread
from .server import BenchServer
from .uplinks import UplinkLoad, bench_uplinks, prepare

_TIMEOUT = 30.0
# Confirmed uplinks a second while a node is killed.
_FAILOVER_RATE = 100.0
_SAMPLE = re.compile(r"veldnet_(\w+)\{node=\"[^\"]*\"\} (\S+)")


class ClusterLoad(msgspec.Struct, frozen=True):
    """Where PostgreSQL (an empty database) and NATS are, how many nodes serve, and what they are sent. The
    store may have more devices than those that send, and their past: `requests` are made about these."""

    store: str
    nats: str
    nodes: int
    rate: float
    seconds: float
    devices: int
    size: Size
    requests: int = 0


class Started(msgspec.Struct, frozen=True):
    """Seconds from the start of the process until the node was ready, CPU that this took, and seconds until
    it had its share of the partitions after that."""

    ready_seconds: float
    cpu_seconds: float
    balanced_seconds: float


class ClusterResult(msgspec.Struct, frozen=True):
    """CPU is that of all nodes, without PostgreSQL and NATS. `failover_seconds` is from kill -9 of a node to
    the first answer to a device that it served, `take_over_seconds` until the others had all its partitions,
    `hand_over_seconds` likewise from SIGTERM."""

    nodes: int
    devices: int
    frame_rows: int
    seconds_to_create: float
    offered: int
    committed: int
    forwarded: int
    cpu_seconds_per_1000_uplinks: float
    one_process_cpu_seconds_per_1000_uplinks: float
    cpu_ratio: float
    started: list[Started]
    operations_ms: dict[str, Percentiles | None]
    hand_over_seconds: float | None
    take_over_seconds: float | None
    failover_seconds: float | None


class _Uplinks(msgspec.Struct, frozen=True):
    committed: int
    forwarded: int
    cpu: float


class _Failover(msgspec.Struct, frozen=True):
    taken_over: float
    answered: float | None


async def bench_cluster(folder: Path, load: ClusterLoad, progress: Progress) -> ClusterResult:
    """The same load for one process on SQLite, then for the nodes; then one of these is stopped, and one is
    killed."""
    alone = await bench_uplinks(
        folder / "alone", UplinkLoad(load.rate, load.seconds, load.devices), deliver=False
    )
    directories = [folder / f"node{number}" for number in range(load.nodes)]
    settings = load_settings({"data": str(directories[0]), "store.url": load.store, "keys.process": False})
    built = await build(directories, settings, load.size, progress)
    watch = await Watch.open(settings)
    cluster = _Cluster(load, built, watch)
    try:
        async with aiohttp.ClientSession() as session:
            return await _measure(cluster, directories, session, alone.cpu_seconds_per_1000_uplinks)
    finally:
        for server in cluster.servers:
            await server.stop()
        await watch.close()


class _Cluster:
    """Nodes that serve, the last started last."""

    def __init__(self, load: ClusterLoad, built: Installation, watch: Watch) -> None:
        self.load, self.built, self.watch = load, built, watch
        self.servers: list[BenchServer] = []

    @property
    def names(self) -> list[str]:
        return [Path(server.data).name for server in self.servers]

    async def start(self, directory: Path, session: aiohttp.ClientSession) -> Started:
        begun = time.perf_counter()
        server = await BenchServer.start(
            directory,
            {
                "VELDNET_STORE__URL": self.load.store,
                "VELDNET_CLUSTER__NATS": self.load.nats,
                "VELDNET_CLUSTER__NODE": directory.name,
            },
        )
        self.servers.append(server)
        await until_ready(server.http, session)
        ready = round(time.perf_counter() - begun, 2)
        balanced = await self.watch.until_shared(self.names)
        cpu = (await _sums([server], session))["cpu_seconds_total"]
        return Started(ready, round(cpu, 2), balanced)

    async def stop_last(self) -> float:
        """Seconds from SIGTERM until the others have its share."""
        gone = self.servers.pop()
        stopping = asyncio.create_task(gone.stop())
        try:
            return await self.watch.until_shared(self.names)
        finally:
            await stopping


async def _measure(
    cluster: _Cluster, directories: Sequence[Path], session: aiohttp.ClientSession, alone: float
) -> ClusterResult:
    load, servers = cluster.load, cluster.servers
    started = [await cluster.start(directory, session) for directory in directories]
    asked = {}
    if load.requests:
        asked = await ask(servers[0].http, session, cluster.built, load.size, load.requests)
    handed_over = None
    if load.nodes > 1:
        handed_over = await cluster.stop_last()
        await cluster.start(directories[-1], session)
    space = AddressSpace(network_parameters(load_settings().network).net_id)
    fleet = [bench_device(number, space) for number in range(load.devices)]
    radio = Spread([server.udp for server in servers], cluster.built.gateways)
    radio.begin()
    uplinks = await _uplinks(cluster, fleet, radio, session)
    failover = await _fail(cluster, fleet, space, radio) if load.nodes > 1 else None
    radio.close()
    return ClusterResult(
        nodes=load.nodes,
        devices=load.size.devices,
        frame_rows=load.size.rows,
        seconds_to_create=cluster.built.seconds,
        offered=int(load.rate * load.seconds),
        committed=uplinks.committed,
        forwarded=uplinks.forwarded,
        cpu_seconds_per_1000_uplinks=uplinks.cpu,
        one_process_cpu_seconds_per_1000_uplinks=alone,
        cpu_ratio=round(uplinks.cpu / alone, 2) if alone else 0.0,
        started=started,
        operations_ms=asked,
        hand_over_seconds=handed_over,
        take_over_seconds=failover.taken_over if failover else None,
        failover_seconds=failover.answered if failover else None,
    )


async def _uplinks(
    cluster: _Cluster, fleet: Sequence[BenchDevice], radio: Spread, session: aiohttp.ClientSession
) -> _Uplinks:
    """What is sent costs all nodes so much; each device sends once before that is measured."""
    load, gateways = cluster.load, cluster.built.gateways
    prepared, _confirmed = prepare(load.devices + int(load.rate * load.seconds), fleet, gateways, 1)
    await radio.send(prepared[: load.devices], min(load.rate, 1000))
    before = await _settled(cluster.servers, session)
    await radio.send(prepared[load.devices :], load.rate)
    after = await _settled(cluster.servers, session)
    committed = after["uplinks_committed_total"] - before["uplinks_committed_total"]
    cpu = (after["cpu_seconds_total"] - before["cpu_seconds_total"]) / max(committed, 1) * 1000
    return _Uplinks(int(committed), int(after["forwarded"] - before["forwarded"]), round(cpu, 4))


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
    cluster: _Cluster, fleet: Sequence[BenchDevice], space: AddressSpace, radio: Spread
) -> _Failover:
    """Kill a node under load; the seconds until the others have its partitions, and until a device that it
    served is answered by one of them."""
    load, servers = cluster.load, cluster.servers
    first = load.devices + int(load.rate * load.seconds)
    prepared, _confirmed = prepare(
        int(_FAILOVER_RATE * _TIMEOUT), fleet, cluster.built.gateways, 1, 1, first=first
    )
    gone = servers[-1]
    lost = await cluster.watch.partitions_of(cluster.names[-1])
    radio.move(gone.udp, servers[0].udp)
    sending = asyncio.create_task(radio.send(prepared, _FAILOVER_RATE))
    await asyncio.sleep(1.0)
    gone.process.kill()
    servers.pop()
    killed = time.perf_counter()
    taking = asyncio.create_task(cluster.watch.until_shared(cluster.names))
    await gone.process.wait()
    answered = await _answered(radio, space, lost, killed)
    taken_over = await taking
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending
    return _Failover(taken_over, answered)


async def _answered(radio: Spread, space: AddressSpace, lost: set[int], killed: float) -> float | None:
    """Seconds until the first answer to a device of the lost partitions."""
    seen = 0
    while time.perf_counter() - killed < _TIMEOUT:
        await asyncio.sleep(0.02)
        for answer in radio.downlinks[seen:]:
            frame = frames.parse(answer.phy_payload)
            # What it had decided on before may still arrive.
            if answer.when - killed <= 0.1 or not isinstance(frame, frames.DataFrame):
                continue
            if space.partition_of_address(frame.dev_addr) in lost:
                return round(answer.when - killed, 2)
        seen = len(radio.downlinks)
    return None
