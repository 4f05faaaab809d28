"""`make test-cluster`: nodes stand still under load, for less than their lease and for longer, and come back
when nobody knows them any more. What was acknowledged to a device is kept, and nothing is accepted twice."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import postgresql
from tests.e2e.nodes import Cluster, check_downlinks, check_uplinks, pause, resume, settle, until
from tests.e2e.test_cluster_failover import RATE, Load, filled, kept, started
from tests.e2e.test_cluster_faults import all_taken, serving_again
from veldnet.cli.bench.sink import Sink

pytestmark = pytest.mark.skipif("TEST_CLUSTER" not in os.environ, reason="make test-cluster")

SEEDS = range(int(os.environ.get("TEST_CLUSTER", "1")))
# Seconds; a lease is of three, and frames for a node that is gone wait for five.
PAUSES = (0.7, 2.5, 4.0, 7.0)
# NATS ends a connection that says nothing for so long, as it does within minutes by itself.
IMPATIENT = 'ping_interval: "1s"\nping_max: 1'


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path, nats=IMPATIENT)
    try:
        await made.build()
        # What is committed is there when a session of PostgreSQL is ended, as in service.
        postgresql.server().run(f"ALTER DATABASE {made.database} SET synchronous_commit = on")
        yield made
    finally:
        made.close()


async def check(cluster: Cluster, load: Load, sink: Sink, least: float) -> None:
    """The invariants, once all has come to rest."""
    await settle(cluster)
    acknowledged, found = load.acknowledged(), kept(cluster)
    assert acknowledged <= found, "I1: what was acknowledged to a device is there"
    assert len(acknowledged) > 0.3 * len(load.prepared)
    load.radio.close()
    check_downlinks(load.radio)
    check_uplinks(cluster, sink, least * len(load.prepared))
    sink.stop()


@pytest.mark.parametrize("seed", SEEDS)
async def test_nodes_stand_still_again_and_again(cluster: Cluster, seed: int) -> None:
    sink, chance = Sink(), random.Random(seed)
    await started(cluster, sink)
    load = Load(cluster, 5)
    sending = asyncio.create_task(load.radio.send(load.prepared, RATE))
    while not sending.done():
        await asyncio.sleep(chance.uniform(0.5, 2.0))
        node = cluster.nodes[chance.choice(cluster.names)]
        pause(node)
        await asyncio.sleep(chance.choice(PAUSES))
        resume(node)
    await sending
    await serving_again(cluster)
    await check(cluster, load, sink, 0.5)


def sessions(cluster: Cluster) -> set[int]:
    """Processes of PostgreSQL that serve connections of nodes."""
    found = cluster.query(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'veldnet' AND datname = current_database()"
    )
    return {pid for (pid,) in found}


async def test_a_node_comes_back_that_everybody_has_given_up(cluster: Cluster) -> None:
    """As after an hour: its lease ended long ago, and PostgreSQL and NATS have ended its connections."""
    sink = Sink()
    await asyncio.to_thread(cluster.start, "a")
    await asyncio.to_thread(cluster.start, "b")
    await asyncio.to_thread(cluster.until_served, "a", "b")
    before = sessions(cluster)
    await asyncio.to_thread(cluster.start, "c")
    await asyncio.to_thread(cluster.until_served)
    await asyncio.sleep(1)
    own = sessions(cluster) - before
    assert len(own) >= 7, "each node has its connections from its start"
    await filled(cluster, sink)
    load = Load(cluster, 3)
    await all_taken(cluster, load.radio, load.pieces[0])
    sending = asyncio.create_task(load.radio.send(load.pieces[1], RATE))
    await asyncio.sleep(2)
    away = cluster.nodes["c"]
    pause(away)
    await asyncio.to_thread(cluster.until_served, "a", "b")
    for pid in own:
        cluster.query("SELECT pg_terminate_backend(%s)", pid)
    cluster.query(
        "UPDATE nodes SET beat_at = beat_at - 3600000, expires_at = expires_at - 3600000 "
        "WHERE name = 'c' RETURNING name"
    )
    await sending
    resume(away)
    logged = {"partitions_lost", "nats_connection_lost"}
    await asyncio.to_thread(until, lambda: all(each in away.log.read_text() for each in logged), 60.0)
    await serving_again(cluster)
    await all_taken(cluster, load.radio, load.pieces[2])
    await check(cluster, load, sink, 0.6)
