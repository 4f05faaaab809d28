"""Several servers on one database keep the invariants, whatever becomes of them and of what they say."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import event

from veldnet.assembly.readiness import write_problems
from veldnet.cluster import cluster_status
from veldnet.network.core import DownlinkRecord, JoinRecord, UplinkRecord
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import ClusterFaults, Conditions, Faults, Kind, VirtualCluster
from veldnet.virtual.cluster import NodeServer

LONG = "VELDNET_SIMULATION_SEEDS" in os.environ
SEEDS = range(int(os.environ.get("VELDNET_SIMULATION_SEEDS", "1")))
CALM = ClusterFaults(loss=0.0, repeat=0.0, delay=0.0)
STORM = ClusterFaults(kills=60, stops=60, pauses=60, splits=60, delay=0.05)
SECONDS = 600 if LONG else 150
# Seconds by which a clock is off, and what is said of it; and for which a node stands still.
OFF = [(3600.0, "3600 s ahead of"), (-3600.0, "3600 s behind")]
STANDS_STILL = 3600.0 if LONG else 300.0


async def live(directory: Path, seed: int, nodes: ClusterFaults, seconds: float) -> VirtualCluster:
    world = VirtualCluster(directory, seed, nodes=nodes, conditions=Conditions(flows=True))
    await world.build(6, stations=3)
    await world.run(seconds)
    return world


def test_devices_are_served_wherever_they_are_heard(tmp_path: Path) -> None:
    async def story() -> None:
        world = await live(tmp_path, 3, CALM, 120)
        records = await world.check_invariants()
        assert all(life.device.joined for life in world.lives)
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert len(accepted) > 0.9 * sum(life.sent for life in world.lives) > 50
        assert any(len(r.copies) == 3 for r in accepted), "copies of three nodes meet"
        assert any(isinstance(r, DownlinkRecord) and r.from_application and r.delivered for r in records)
        clusters = [node.platform.cluster for node in world.nodes.values()]
        forwarded = [cluster.frames.counts for cluster in clusters if cluster is not None]
        assert all(counts["uplinks_forwarded"] and counts["downlinks_forwarded"] for counts in forwarded)
        await world.close()

    run_virtually(story())


@pytest.mark.parametrize(("hour", "words"), OFF if LONG else OFF[:1])
def test_every_class_is_served_though_the_clock_of_a_node_is_an_hour_off(
    tmp_path: Path, hour: float, words: str
) -> None:
    async def story() -> None:
        kinds = (Kind("1.0.3", "B"), Kind("1.0.2", "C"), Kind("1.0.2"))
        world = VirtualCluster(
            tmp_path,
            4,
            nodes=CALM,
            ahead={"c": hour, "b": -2.0},
            conditions=Conditions(kinds=kinds, downlinks_every=(1.0, 3.0)),
        )
        await world.build(6, stations=3)
        await world.run(150)
        records = await world.check_invariants()
        status = await world.nodes["a"].data.store.read(cluster_status)
        assert [len(node.partitions) for node in status.nodes] == [32, 32, 0] and not status.unserved
        assert any(f"the clock of this node is {words}" in text for text in status.nodes[2].problems)
        assert {life.device.device_class for life in world.lives if life.device.joined} == {"A", "B", "C"}
        sent = [r for r in records if isinstance(r, DownlinkRecord) and r.from_application and r.delivered]
        # Of class A and C in receive windows, C at once, and B in ping slots; by base stations of all nodes.
        used = Counter((r.slot, r.base_station) for r in sent)
        assert len({station for _slot, station in used}) == 3 and {slot for slot, _station in used} == {
            1,
            2,
            3,
        }
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert len(accepted) > 0.9 * sum(life.sent for life in world.lives) > 50
        await world.close()

    run_virtually(story())


def test_a_node_stands_still_for_long(tmp_path: Path) -> None:
    async def story() -> None:
        world = VirtualCluster(tmp_path, 8, nodes=CALM, faults=Faults(loss=0.0))
        await world.build(6, stations=3, period=60.0)
        beginning, back = world.clock(), 0.0

        async def act() -> None:
            nonlocal back
            await asyncio.sleep(90)
            world.pause("c", STANDS_STILL)
            await asyncio.sleep(STANDS_STILL + 5)
            assert len(world.nodes["c"].backlog) == 0
            await asyncio.sleep(15)
            assert not write_problems(world.nodes["c"].platform)
            back = world.clock()

        world._spawn(act())
        await world.run(STANDS_STILL + 300)
        records = await world.check_invariants()
        status = await world.nodes["a"].data.store.read(cluster_status)
        assert sorted(len(node.partitions) for node in status.nodes) == [21, 21, 22] and not status.unserved
        times = sorted(r.time for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted")
        assert back > beginning + STANDS_STILL + 100 and times[-1] > back, "all are heard once it is back"
        assert max(after - before for before, after in pairwise(times)) < 60.0
        accepted = [r for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert len(accepted) > 0.9 * sum(life.sent for life in world.lives) > STANDS_STILL / 15
        await world.close()

    run_virtually(story())


@pytest.mark.parametrize("seed", SEEDS)
def test_nodes_are_killed_stopped_paused_and_split(tmp_path: Path, seed: int) -> None:
    async def story() -> None:
        world = await live(tmp_path, seed, STORM, SECONDS)
        records = await world.check_invariants()
        assert len(world.events) >= 2, world.events
        last_join = max(r.time for r in records if isinstance(r, JoinRecord) and r.outcome == "accepted")
        assert any(isinstance(r, UplinkRecord) and r.time > last_join for r in records)
        await world.close()

    run_virtually(story())


def test_nodes_whose_database_was_full_are_ready_again_though_nothing_is_sent(tmp_path: Path) -> None:
    async def story() -> None:
        world = VirtualCluster(tmp_path, 6, nodes=CALM, conditions=Conditions(downlinks_every=(1e6, 1e6)))
        await world.build(6, stations=3, period=2.0)
        nodes = world.nodes.values()

        def problems() -> list[bool]:
            return [
                "the last commit failed: frames are not accepted" in write_problems(n.platform) for n in nodes
            ]

        async def act() -> None:
            await asyncio.sleep(60)
            # All is delivered, so that nothing else is written either.
            world.faults = replace(world.faults, loss=1.0)
            await asyncio.sleep(5)
            assert not any(problems())
            for node in nodes:
                give_room(node, 0)
            world.faults = replace(world.faults, loss=0.0)
            await asyncio.sleep(20)
            # Leases are renewed meanwhile, for that needs no room.
            assert sum(problems()) >= 2
            # As by a load balancer that sends nothing to who is not ready.
            world.faults = replace(world.faults, loss=1.0)
            await asyncio.sleep(15)
            assert sum(problems()) >= 2, "there is no room yet"
            for node in nodes:
                give_room(node, 1_000_000)
            await asyncio.sleep(10)
            assert not any(problems())
            seen.append(len(world.lives))
            world.faults = replace(world.faults, loss=0.0)

        seen: list[int] = []
        world._spawn(act())
        await world.run(142)
        assert seen == [6]
        records = await world.check_invariants()
        times = [r.time for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted"]
        assert max(times) - min(times) > 90, "they serve again"
        await world.close()

    run_virtually(story())


def give_room(node: NodeServer, pages: int) -> None:
    """Let the database of a node grow by so many pages."""
    store: Any = node.data.store

    def limit(connection: Any, _record: Any, _proxy: Any) -> None:
        (has,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={has + pages}").close()

    store._forget_connection()
    event.listen(store.engine, "checkout", limit)


def takes(node: NodeServer) -> bool:
    """Whether a node takes what comes over the only connection."""
    assert node.platform.cluster is not None
    return node.platform.cluster.partitions.mine(1)


@pytest.mark.parametrize("fate", ["kill", "stop", "pause", "split"])
def test_a_node_that_is_lost_is_replaced(tmp_path: Path, fate: str) -> None:
    async def story() -> None:
        conditions = Conditions(flows=True, downlinks_every=(0.5, 1.5))
        world = VirtualCluster(tmp_path, 5, nodes=CALM, faults=Faults(loss=0.0), conditions=conditions)
        await world.build(6, stations=3, period=4.0)
        assert world.application is not None
        before = 0

        async def act() -> None:
            nonlocal before
            await asyncio.sleep(40)
            before = world.checker.acknowledged_count
            # The one that takes the downlinks of the connection.
            (one,) = (name for name, node in world.nodes.items() if takes(node))
            if fate == "kill":
                world.kill(one)
            elif fate == "stop":
                world.stop(one)
            elif fate == "pause":
                world.pause(one, 15.0)
            else:
                world.split((one,), 15.0)

        world._spawn(act())
        await world.run(85 if LONG else 72)
        records = await world.check_invariants()
        times = sorted(r.time for r in records if isinstance(r, UplinkRecord) and r.outcome == "accepted")
        gaps = [(after - before, before) for before, after in pairwise(times)]
        assert max(gaps)[0] < 6.0, "others serve its devices soon"
        assert all(life.device.joined for life in world.lives)
        # Another one takes downlinks of connections, for devices of every node.
        assert world.checker.acknowledged_count > before + 10 > 20 and not world.application.waiting
        await world.close()

    run_virtually(story())
