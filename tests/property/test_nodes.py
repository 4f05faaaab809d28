"""Whatever happens to nodes, no two write for one partition at a time, and in the end each has its share."""

from __future__ import annotations

import asyncio
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.cluster.nodes import Node, new_database
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import StoreError

NAMES = "abc"
DEEDS = ("start", "stop", "kill", "pause", "resume", "away", "back", "write", "write")
_STORY = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.sampled_from(NAMES), st.floats(0.05, 5.0)), min_size=4, max_size=24
)


class Cluster:
    """At most three nodes; those that end are started again under their names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.committed: list[tuple[int, int, str]] = []
        self.nodes: dict[str, Node] = {}
        self.paused: set[str] = set()
        self.writing: set[asyncio.Task[None]] = set()

    async def do(self, deed: str, name: str) -> None:
        node = self.nodes.get(name)
        if node is None:
            if deed == "start":
                await self.start(name)
        elif name in self.paused:
            if deed == "resume":
                await self.resume(name)
        elif deed in ("stop", "kill"):
            del self.nodes[name]
            await (node.stop() if deed == "stop" and not node.between.away else node.kill())
        elif deed == "pause":
            self.paused.add(name)
            node.pause()
        elif deed in ("away", "back"):
            node.between.away = deed == "away"
        elif deed == "write":
            await node.write()

    async def start(self, name: str) -> None:
        node = Node(self.path, name, self.committed)
        node.server.seconds = 0.4
        try:
            await node.start()
        except StoreError:
            await node.kill()
        else:
            self.nodes[name] = node

    async def resume(self, name: str) -> None:
        self.paused.discard(name)
        await self.nodes[name].resume()

    async def heal(self) -> None:
        for name in list(self.paused):
            await self.resume(name)
        for node in self.nodes.values():
            node.between.away = False
        if not self.nodes:
            await self.start("a")
        await asyncio.sleep(15)


# A story takes a quarter of a second.
STORIES = min(settings().max_examples // 8, 200)


@settings(max_examples=STORIES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=_STORY)
def test_partitions_have_one_writer_and_fair_shares(story: list[tuple[str, str, float]]) -> None:
    async def told() -> None:
        with tempfile.TemporaryDirectory() as directory:
            cluster = Cluster(new_database(Path(directory)))
            for name in "ab":
                await cluster.start(name)
            for deed, name, seconds in story:
                await cluster.do(deed, name)
                await asyncio.sleep(seconds)
            await cluster.heal()
            living = list(cluster.nodes.values())
            served = [each for node in living for each in node.mine]
            assert sorted(served) == list(range(16))
            assert max(len(node.mine) for node in living) - min(len(node.mine) for node in living) <= 1
            for node in living:
                assert node.server.serving == node.mine == frozenset(node.store.nodes.epochs)
                assert not node.supervisor.failures
            # Whoever writes for a partition has it since an epoch that nobody else had, and none came back.
            for partition in range(16):
                owners = [(epoch, name) for each, epoch, name in cluster.committed if each == partition]
                assert all(first <= then for first, then in pairwise(epoch for epoch, _name in owners))
                assert len({epoch for epoch, _ in owners}) == len(set(owners))
            for node in living:
                await node.kill()

    run_virtually(told())
