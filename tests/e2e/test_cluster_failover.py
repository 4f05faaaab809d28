"""`make test-cluster`: the database fails over to a standby, by a proxy, under load; it has no connection
left; its disk is full."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgresql
from tests.e2e.nodes import FIRST_EUI, Cluster, check_downlinks, check_uplinks, route, settle
from tests.e2e.programs import run
from tests.e2e.test_cluster_faults import accepted, all_taken, problems, said, serving_again
from tests.postgresql import PostgresServer, Standby
from tests.small_disk import fill, make_room
from tests.switching_proxy import SwitchingProxy
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import bench_device
from veldnet.cli.bench.load import Prepared, Spread
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import frame_of_window, prepare
from veldnet.lorawan import DevAddr, frames
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings

pytestmark = pytest.mark.skipif("TEST_CLUSTER" not in os.environ, reason="make test-cluster")

DEVICES, RATE, PIECE = 60, 100.0, 8.0
# Nothing is synchronised before there is a standby.
PRIMARY = {"wal_level": "replica", "synchronous_commit": "on"}


class Replicated:
    """A database with a standby, and two nodes that reach it by a proxy."""

    def __init__(self) -> None:
        self.primary = PostgresServer(**PRIMARY)
        self.standby = Standby(self.primary, **PRIMARY)
        self.proxy = SwitchingProxy(self.primary.socket)
        self.cluster: Cluster

    async def build(self, folder: Path) -> None:
        self.primary.run("CREATE DATABASE veldnet")
        url = f"postgresql://veldnet@127.0.0.1:{self.proxy.port}/veldnet?sslmode=disable"
        self.cluster = Cluster(folder, ("a", "b"), url)
        await self.cluster.build()

    def synchronise(self) -> None:
        """Acknowledge what is on the standby, too, from now on."""
        self.primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.run("SELECT pg_reload_conf()")

    async def fail_over(self) -> None:
        """The primary dies; the standby takes its place."""
        await asyncio.to_thread(self.primary.stop)
        await said(self.cluster, "the store does not answer")
        await asyncio.to_thread(self.standby.promote)
        self.proxy.switch(self.standby.socket)

    async def close(self) -> None:
        self.cluster.close()
        self.proxy.stop()
        for server in (self.standby, self.primary):
            server.remove()


@pytest.fixture
async def replicated(tmp_path: Path) -> AsyncIterator[Replicated]:
    made = await asyncio.to_thread(Replicated)
    try:
        await made.build(tmp_path)
        yield made
    finally:
        await made.close()


class Load:
    """Confirmed frames of devices with sessions, of which two base stations at different nodes hear each."""

    def __init__(self, cluster: Cluster, pieces: int) -> None:
        space = AddressSpace(network_parameters(Settings().network).net_id)
        self.fleet = [bench_device(number, space) for number in range(DEVICES)]
        step = int(PIECE * RATE)
        self.prepared: list[Prepared]
        self.confirmed_at: dict[DevAddr, list[int]]
        self.prepared, self.confirmed_at = prepare(pieces * step, self.fleet, cluster.gateways, 2, 1)
        self.pieces = [self.prepared[start : start + step] for start in range(0, pieces * step, step)]
        self.radio = Spread([cluster.nodes[name].udp for name in cluster.names], cluster.gateways)
        self.radio.begin()

    def acknowledged(self) -> set[tuple[int, int]]:
        """Devices by number, and the counters of theirs that were acknowledged in a receive window. What goes
        to class C at once does not say which frame it is about."""
        found = set()
        for answer in list(self.radio.downlinks):
            frame = frames.parse(answer.phy_payload)
            if isinstance(frame, frames.DataFrame) and frame.ack:
                position = frame_of_window(answer, self.confirmed_at[frame.dev_addr])
                assert position is not None or not answer.timestamp, "a window of no frame that was sent"
                found.add(position)
        return {(each % DEVICES, each // DEVICES + 1) for each in found if each is not None}


async def started(cluster: Cluster, sink: Sink) -> None:
    await asyncio.to_thread(cluster.start_all)
    await filled(cluster, sink)


async def filled(cluster: Cluster, sink: Sink) -> None:
    """Devices that are delivered to a sink."""
    address = await sink.start()
    await asyncio.to_thread(route, cluster.client("a"), address)
    await cluster.create_devices(DEVICES, 1)


def kept(cluster: Cluster) -> set[tuple[int, int]]:
    """The accepted frames, as `Load.acknowledged` has them."""
    rows = cluster.query("SELECT device_ref, fcnt FROM frames WHERE kind = 0 AND outcome = 'accepted'")
    return {(ref - 1, fcnt) for ref, fcnt in rows}


async def test_a_synchronous_standby_takes_over_with_all_that_was_acknowledged(
    replicated: Replicated,
) -> None:
    cluster, sink = replicated.cluster, Sink()
    replicated.synchronise()
    await started(cluster, sink)
    load = Load(cluster, 3)
    await all_taken(cluster, load.radio, load.pieces[0])
    sending = asyncio.create_task(load.radio.send(load.pieces[1], RATE))
    await asyncio.sleep(2)
    await replicated.fail_over()
    await serving_again(cluster)
    await sending
    await all_taken(cluster, load.radio, load.pieces[2])
    await settle(cluster)
    load.radio.close()
    check_downlinks(load.radio)
    check_uplinks(cluster, sink, 0.7 * len(load.prepared))
    acknowledged, found = load.acknowledged(), kept(cluster)
    assert acknowledged <= found, "what was acknowledged to a device is there"
    delivered = {(int(eui, 16) - FIRST_EUI, fcnt) for eui, fcnt in sink.arrived}
    assert delivered <= found, "what was delivered is there"
    sink.stop()


async def test_nodes_go_on_when_the_database_has_no_connection_left(replicated: Replicated) -> None:
    cluster, sink = replicated.cluster, Sink()
    await started(cluster, sink)
    load = Load(cluster, 2)
    taken: list[psycopg.Connection[Any]] = []
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        while True:
            taken.append(psycopg.connect(replicated.primary.url("postgres")))
    await load.radio.send(load.pieces[0], RATE)
    answers = await asyncio.gather(
        *(asyncio.to_thread(cluster.client("b").call, "GET", "/devices") for _number in range(10))
    )
    assert all(answers)
    failed = await asyncio.to_thread(
        run, "serve", "--data", str(cluster.nodes["a"].data.parent / "c"), VELDNET_STORE__URL=cluster.url
    )
    assert failed.returncode == 7 and "too many clients" in failed.stderr, failed
    for each in taken:
        each.close()
    await all_taken(cluster, load.radio, load.pieces[1])
    assert len(kept(cluster)) == len(load.prepared), "nothing was lost meanwhile"
    assert not any((await asyncio.to_thread(problems, cluster)).values())
    load.radio.close()
    sink.stop()


async def test_nodes_whose_database_has_a_full_disk_say_so_until_there_is_room(tmp_path: Path) -> None:
    sink = Sink()
    with postgresql.database_on_small_disk() as (url, disk):
        cluster = Cluster(tmp_path, ("a", "b"), url)
        try:
            await cluster.build()
            await started(cluster, sink)
            load = Load(cluster, 3)
            await all_taken(cluster, load.radio, load.pieces[0])
            fill(disk)
            # The last pages have room for some frames.
            sending = asyncio.create_task(load.radio.send(load.pieces[1], RATE))
            await said(cluster, "the last commit failed")
            fill(disk)
            await sending
            # Nothing is sent any more, and leases are renewed in rows that are there.
            for _look in range(12):
                found = await asyncio.to_thread(problems, cluster)
                refusing = [any("the last commit failed" in each for each in found[name]) for name in found]
                assert all(refusing), found
                await asyncio.sleep(1)
            assert len(cluster.owners()) == 64
            make_room(disk)
            await serving_again(cluster)
            await all_taken(cluster, load.radio, load.pieces[2])
            await settle(cluster)
            load.radio.close()
            assert load.acknowledged() <= kept(cluster), "what was acknowledged is there"
        finally:
            cluster.close()
            sink.stop()


async def test_a_standby_that_may_lack_something_is_not_written_before_a_start(
    replicated: Replicated,
) -> None:
    cluster, sink = replicated.cluster, Sink()
    await started(cluster, sink)
    load = Load(cluster, 3)
    await all_taken(cluster, load.radio, load.pieces[0])
    # The standby hears no more.
    await asyncio.to_thread(replicated.standby.stop, "fast")
    await all_taken(cluster, load.radio, load.pieces[1])
    acknowledged = load.acknowledged()
    await asyncio.to_thread(replicated.primary.stop)
    await asyncio.to_thread(replicated.standby.start)
    await asyncio.to_thread(replicated.standby.promote)
    replicated.proxy.switch(replicated.standby.socket)
    sent = len(load.radio.downlinks)
    lost = acknowledged - await asyncio.to_thread(kept, cluster)
    assert lost, "what came after the standby had gone is lost"
    before = await asyncio.to_thread(accepted, cluster)
    await load.radio.send(load.pieces[2][:DEVICES], RATE)
    await said(cluster, "a standby was promoted that may lack what was acknowledged")
    assert len(load.radio.downlinks) == sent, "no counter is used again"
    assert await asyncio.to_thread(accepted, cluster) == before
    for node in cluster.nodes.values():
        await asyncio.to_thread(node.stop)
    for name in cluster.names:
        await asyncio.to_thread(cluster.start, name)
    await serving_again(cluster)
    await all_taken(cluster, load.radio, load.pieces[2][DEVICES:])
    load.radio.close()
    check_downlinks(load.radio)
    sink.stop()
