"""Three real servers on one PostgreSQL and one NATS: under load one is killed, one stopped, one stands
still."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.nodes import Cluster, check_downlinks, check_uplinks, pause, resume, route, settle
from tests.e2e.running import command
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import bench_device
from veldnet.cli.bench.joins import prepare_joins
from veldnet.cli.bench.load import Spread
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import prepare
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings

LONG = "TEST_CLUSTER" in os.environ
DEVICES = 60
JOINING = 20
RATE = 150.0 if LONG else 40.0
# Seconds of load for each fate of a node.
PIECE = 12.0 if LONG else 3.0


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        await made.build()
        yield made
    finally:
        made.close()


async def test_nodes_come_and_go_under_load(cluster: Cluster) -> None:
    sink = Sink()
    address = await sink.start()
    await asyncio.to_thread(cluster.start_all)
    await asyncio.to_thread(route, cluster.client("a"), address)
    await cluster.create_devices(DEVICES + JOINING, 1)
    space = AddressSpace(network_parameters(Settings().network).net_id)
    fleet = [bench_device(number, space) for number in range(DEVICES)]
    # Two base stations hear each frame, which are connected to different nodes; all are confirmed.
    prepared, _confirmed = prepare(int(4 * PIECE * RATE), fleet, cluster.gateways, 2, 1)
    joins = prepare_joins(JOINING, cluster.gateways, space, DEVICES)
    radio = Spread([cluster.nodes[name].udp for name in cluster.names], cluster.gateways)
    radio.begin()
    step = int(PIECE * RATE)
    pieces = [prepared[start : start + step] for start in range(0, 4 * step, step)]

    # Join-requests come before the load: each has one pair of windows, which a busy machine must not miss.
    await radio.send(joins, 10.0)
    await radio.send(pieces[0], RATE)
    # Killed: the others serve its devices, and its base stations come to them.
    sending = asyncio.create_task(radio.send(pieces[1], RATE))
    cluster.nodes["b"].kill()
    radio.move(cluster.nodes["b"].udp, cluster.nodes["a"].udp)
    await asyncio.to_thread(cluster.until_served, "a", "c")
    await sending
    await asyncio.to_thread(cluster.start, "b")
    # Stopped: nothing is lost.
    sending = asyncio.create_task(radio.send(pieces[2], RATE))
    radio.move(cluster.nodes["a"].udp, cluster.nodes["b"].udp)
    assert await asyncio.to_thread(cluster.nodes["a"].stop) == 0
    await asyncio.to_thread(cluster.until_served, "b", "c")
    await sending
    # Stands still for longer than its lease, and comes back.
    await asyncio.to_thread(cluster.start, "a")
    await asyncio.to_thread(cluster.until_served)
    sending = asyncio.create_task(radio.send(pieces[3], RATE))
    pause(cluster.nodes["c"])
    await asyncio.to_thread(cluster.until_served, "a", "b")
    resume(cluster.nodes["c"])
    await asyncio.to_thread(cluster.until_served)
    await sending
    await settle(cluster)
    radio.close()
    accepts = check_downlinks(radio)
    assert accepts >= JOINING
    check_uplinks(cluster, sink, 0.75 * 4 * PIECE * RATE)
    words = ("cluster", "status", "--json", "--data", str(cluster.nodes["a"].data))
    shown: dict[str, Any] = {"unserved": ["not asked yet"]}
    # One may be on its way to the node that has come back.
    async with asyncio.timeout(60):
        while shown["unserved"]:
            shown = json.loads(await asyncio.to_thread(command, *words, VELDNET_STORE__URL=cluster.url))
    assert [node["name"] for node in shown["nodes"]] == ["a", "b", "c"]
    assert all(node["alive"] and node["partitions"] for node in shown["nodes"])
    sink.stop()
