"""Nodes of two versions serve together while one after the other is replaced; the newer has newer tables."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import veldnet
from tests.e2e.nodes import Cluster, check_downlinks, check_uplinks, route, settle
from tests.e2e.programs import run
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import bench_device
from veldnet.cli.bench.load import Spread
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import prepare
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.store import HEAD

pytestmark = pytest.mark.skipif("TEST_CLUSTER" not in os.environ, reason="make test-cluster")

DEVICES, RATE, PIECE = 60, 80.0, 12.0
NEXT = f"{int(HEAD) + 1:04}"
_MIGRATION = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{NEXT}", "{HEAD}", None, None
two_steps = TWO_STEPS


def upgrade() -> None:
    """The first step: what is new is added."""
    for table in ("devices", "device_states", "frames", "deliveries", "nodes"):
        op.add_column(table, sa.Column("added", sa.Integer, nullable=True))
    op.create_table("added", sa.Column("ref", sa.BigInteger, primary_key=True))
'''


def next_version(folder: Path, *, two_steps: bool) -> Path:
    """This program with another migration; returns what to put first in the path."""
    source, target = Path(veldnet.__file__).parent, folder / "veldnet"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("static", "__pycache__"))
    (target / "console" / "static").symlink_to(source / "console" / "static")
    migration = _MIGRATION.replace("TWO_STEPS", str(two_steps))
    (target / "store" / "migrations" / "versions" / f"{NEXT}_next.py").write_text(migration)
    migrating = target / "store" / "migrating.py"
    text = migrating.read_text().replace(f'HEAD = "{HEAD}"', f'HEAD = "{NEXT}"')
    assert NEXT in text
    migrating.write_text(text)
    return folder


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        await made.build()
        yield made
    finally:
        made.close()


async def test_one_node_after_the_other_becomes_the_next_version(cluster: Cluster, tmp_path: Path) -> None:
    sink = Sink()
    address = await sink.start()
    await asyncio.to_thread(cluster.start_all)
    await asyncio.to_thread(route, cluster.client("a"), address)
    await cluster.create_devices(DEVICES, 1)
    space = AddressSpace(network_parameters(Settings().network).net_id)
    fleet = [bench_device(number, space) for number in range(DEVICES)]
    steps = len(cluster.names)
    prepared, _confirmed = prepare(int(steps * PIECE * RATE), fleet, cluster.gateways, 2, 1)
    radio = Spread([cluster.nodes[name].udp for name in cluster.names], cluster.gateways)
    radio.begin()

    # A version whose tables this one does not know leaves them as they are.
    refused = next_version(tmp_path / "one-step", two_steps=False)
    failed = await asyncio.to_thread(
        run,
        *("serve", "--data", str(tmp_path / "d"), "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"),
        PYTHONPATH=str(refused),
        VELDNET_STORE__URL=cluster.url,
        VELDNET_CLUSTER__NATS=cluster.nats.url,
        VELDNET_CLUSTER__NODE="d",
    )
    assert failed.returncode != 0 and "Traceback" not in failed.stderr
    assert f"revision {HEAD}, this one has {NEXT}" in failed.stderr and "a of version" in failed.stderr

    newer = str(next_version(tmp_path / "two-steps", two_steps=True))
    for number, name in enumerate(cluster.names):
        piece = prepared[int(number * PIECE * RATE) : int((number + 1) * PIECE * RATE)]
        sending = asyncio.create_task(radio.send(piece, RATE))
        await asyncio.sleep(1)
        other = cluster.names[number - 1]
        radio.move(cluster.nodes[name].udp, cluster.nodes[other].udp)
        assert await asyncio.to_thread(cluster.nodes[name].stop) == 0
        cluster.nodes[name].change(PYTHONPATH=newer)
        await asyncio.to_thread(cluster.start, name)
        await asyncio.to_thread(cluster.until_served)
        await sending
        assert cluster.query("SELECT version_num FROM alembic_version") == [(NEXT,)]
    await settle(cluster)
    radio.close()
    check_downlinks(radio)
    # Planned: nothing is lost but what is in sockets of a node that ends.
    check_uplinks(cluster, sink, 0.97 * steps * PIECE * RATE)
    sink.stop()
