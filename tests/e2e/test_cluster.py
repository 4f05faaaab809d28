"""Three real servers on one PostgreSQL and one NATS: under load one is killed, one stopped, one stands
still."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.nodes import FIRST_EUI, Cluster, pause, resume
from tests.e2e.running import Client, command
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import bench_device
from veldnet.cli.bench.joins import prepare_joins
from veldnet.cli.bench.load import Spread
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import prepare
from veldnet.lorawan import frames
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings

LONG = "TEST_CLUSTER" in os.environ
DEVICES = 60
JOINING = 20
RATE = 150.0 if LONG else 80.0
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
    await asyncio.to_thread(_route, cluster.client("a"), address)
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

    await radio.send([*joins, *pieces[0]], RATE)
    # Killed: the others serve its devices within five seconds, and its base stations come to them.
    sending = asyncio.create_task(radio.send(pieces[1], RATE))
    cluster.nodes["b"].kill()
    radio.move(cluster.nodes["b"].udp, cluster.nodes["a"].udp)
    taken = await asyncio.to_thread(cluster.until_served, "a", "c")
    assert taken < 5.0
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
    await _settle(cluster)
    radio.close()
    _check_downlinks(radio)
    _check_uplinks(cluster, sink)
    words = ("cluster", "status", "--json", "--data", str(cluster.nodes["a"].data))
    printed = await asyncio.to_thread(command, *words, VELDNET_STORE__URL=cluster.url)
    shown = json.loads(printed)
    assert [node["name"] for node in shown["nodes"]] == ["a", "b", "c"] and shown["unserved"] == []
    assert all(node["alive"] and node["partitions"] for node in shown["nodes"])
    sink.stop()


def _route(client: Client, address: str) -> None:
    route = {
        "addresses": [address],
        "contentType": "JSON",
        "asId": "as",
        "asKey": "46ab678cd45df4a4e4b3758acd096acc",
    }
    client.call("POST", "/routingProfiles", {"name": "sink", "routes": [route]})


async def _settle(cluster: Cluster) -> None:
    async with asyncio.timeout(60):
        while cluster.query("SELECT 1 FROM deliveries WHERE state = 0 LIMIT 1"):
            await asyncio.sleep(0.2)


def _check_downlinks(radio: Spread) -> None:
    sent: dict[tuple[int, int], bytes] = {}
    accepts = 0
    for _when, phy, _timestamp in radio.downlinks:
        if phy[0] == 0x20:
            accepts += 1
            continue
        frame = frames.parse(phy)
        assert isinstance(frame, frames.DataFrame)
        assert sent.setdefault((frame.dev_addr, frame.fcnt), phy) == phy, "I2: a counter carried two payloads"
    assert len(sent) > 100 and accepts >= JOINING


def _check_uplinks(cluster: Cluster, sink: Sink) -> None:
    rows = cluster.query("SELECT device_ref, fcnt FROM frames WHERE kind = 0 AND outcome = 'accepted'")
    accepted = Counter(rows)
    assert max(accepted.values()) == 1, "I1: an uplink was accepted twice"
    missing = [
        (device, fcnt)
        for device, fcnt in accepted
        if (f"{FIRST_EUI + device - 1:016X}".encode(), fcnt) not in sink.arrived
    ]
    assert not missing, f"I4: {len(missing)} of {len(accepted)} accepted uplinks were not delivered"
    offered = int(4 * PIECE * RATE)
    # Each failure loses what its node had not written, and what it was sent until it was known to be gone.
    assert len(accepted) > 0.75 * offered, f"{len(accepted)} of {offered} frames were accepted"
