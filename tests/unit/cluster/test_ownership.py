"""Who serves which partitions: what a node decides, and how that is done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cluster.nodes import Node, clock, new_database
from veldnet.cluster import OneNode, VersionMismatch
from veldnet.cluster.ownership import Decision, decide, share
from veldnet.simulator.virtual_time import run_virtually
from veldnet.store import ClusterView, Held, NodeInUse
from veldnet.store import Node as Row


def view(leases: dict[int, tuple[str, int]], *living: str, away: tuple[str, ...] = ()) -> ClusterView:
    nodes = [
        Row(name, 1, number, "1", frozenset({"network"}), {}, 0, 0, 2000 if name in living else 500)
        for number, name in enumerate((*living, *away))
    ]
    return ClusterView(1000, tuple(nodes), {each: Held(*lease) for each, lease in leases.items()})


def test_shares_are_equal_and_few_partitions_move() -> None:
    held = view({0: ("b", 1), 1: ("b", 2), 2: ("c", 3)}, "a", "b", "c")
    assert [share(held, name, 64) for name in "abc"] == [21, 22, 21]
    assert [share(held, name, 2) for name in "abc"] == [0, 1, 1]
    assert share(held, "d", 64) == 0
    gateways = Row("g", 1, 9, "1", frozenset({"gateways"}), {}, 0, 0, 2000)
    assert share(ClusterView(1000, (*held.nodes, gateways), {}), "g", 64) == 0


def test_a_node_takes_what_is_free_or_of_nodes_that_are_away() -> None:
    seen = view({0: ("b", 1), 1: ("gone", 2), 2: ("late", 3)}, "a", "b", away=("late",))
    assert decide("a", seen, {}, 4) == Decision(take=frozenset({1, 2}))
    assert decide("b", seen, {0: 1}, 4) == Decision(take=frozenset({1}))


def test_a_node_gives_what_is_above_its_share_and_keeps_the_first() -> None:
    held = {number: number + 1 for number in range(4)}
    seen = view({number: ("a", epoch) for number, epoch in held.items()}, "a", "b")
    assert decide("a", seen, held, 4) == Decision(give=frozenset({2, 3}))
    assert decide("a", seen, held, 4, leaving=True).give == frozenset(range(4))


def test_what_others_took_since_is_lost_and_what_is_newer_than_the_view_is_not() -> None:
    seen = view({0: ("b", 7), 1: ("a", 2), 2: ("b", 3), 3: ("a", 4)}, "a", "b")
    found = decide("a", seen, {0: 5, 1: 2, 2: 9}, 4)
    assert found.lost == {0}
    # The database says that partition 3 is its own, though it knows nothing of it.
    assert found.release == {3} and 3 not in found.take


def test_one_node_serves_everything() -> None:
    alone = OneNode("a")
    alone.node_changed(lambda: None)
    assert alone.mine(63) and alone.owner(0) == "a"


async def settle(seconds: float = 6.0) -> None:
    await asyncio.sleep(seconds)


def story(told: Coroutine[Any, Any, None]) -> None:
    run_virtually(told)


def test_nodes_come_share_and_go(tmp_path: Path) -> None:
    async def told() -> None:
        path, committed = new_database(tmp_path), list[tuple[int, int, str]]()
        a, b = Node(path, "a", committed), Node(path, "b", committed)
        await a.start()
        await settle()
        assert a.mine == a.server.serving == frozenset(range(16))
        moves = 0

        def moved() -> None:
            nonlocal moves
            moves += 1

        a.ownership.node_changed(moved)
        await b.start()
        await settle()
        assert a.mine == frozenset(range(8)) and b.mine == frozenset(range(8, 16)) and moves
        assert a.ownership.owner(9) == "b" and b.ownership.owner(3) == "a" and b.ownership.owner(9) == "b"
        assert b.ownership.lives(a.ownership.view.nodes[0].process) and not b.ownership.lives(63)
        await a.stop()
        await settle()
        assert b.mine == frozenset(range(16)) and ("give", 8) in a.server.steps
        assert [node.name for node in b.ownership.view.nodes] == ["b"]
        # A planned hand-over loses nothing.
        assert not any(step == "lose" for step, _count in a.server.steps + b.server.steps)
        await b.stop()

    story(told())


def test_the_partitions_of_a_node_that_was_killed_are_taken_after_its_lease(tmp_path: Path) -> None:
    async def told() -> None:
        path, committed = new_database(tmp_path), list[tuple[int, int, str]]()
        a, b = Node(path, "a", committed), Node(path, "b", committed)
        await a.start()
        await b.start()
        await settle()
        await a.kill()
        loop = asyncio.get_running_loop()
        killed = loop.time()
        while len(b.mine) < 16:
            await asyncio.sleep(0.05)
        assert loop.time() - killed < 4.5
        # The one of the same name that is started in its place waits for the end of its lease at most.
        again = Node(path, "a", committed)
        await again.start()
        await settle()
        assert len(again.mine) == len(b.mine) == 8
        other = Node(path, "a", committed)
        with pytest.raises(NodeInUse):
            await other.start()
        for node in (b, again):
            await node.stop()
        await other.end()

    story(told())


def test_a_node_that_was_paused_loses_and_comes_back(tmp_path: Path) -> None:
    async def told() -> None:
        path, committed = new_database(tmp_path), list[tuple[int, int, str]]()
        a, b = Node(path, "a", committed), Node(path, "b", committed)
        await a.start()
        await b.start()
        await settle()
        a.pause()
        await settle(60)
        assert len(b.mine) == 16 and len(a.mine) == 8
        await a.resume()
        assert a.lost == 1 and not committed
        await settle()
        assert len(a.mine) == len(b.mine) == 8 and not a.mine & b.mine
        assert ("lose", 8) in a.server.steps
        for node in (a, b):
            await node.write()
            await node.stop()
        assert len(committed) == 16

    story(told())


def test_while_the_database_is_away_nothing_is_served(tmp_path: Path) -> None:
    async def told() -> None:
        path, committed = new_database(tmp_path), list[tuple[int, int, str]]()
        a = Node(path, "a", committed)
        await a.start()
        await settle()
        steps = list(a.server.steps)
        a.between.away = True
        await settle()
        assert not a.mine and a.ownership.owner(0) is None
        assert a.membership.problem == "the lease of this node could not be renewed: the database is away"
        a.between.away = False
        await settle(2)
        # Nobody took them meanwhile: it goes on with what it has in memory.
        assert len(a.mine) == 16 and a.membership.problem is None and a.server.steps == steps
        await a.stop()

    story(told())


def test_what_cannot_be_taken_up_is_released_and_tried_again(tmp_path: Path) -> None:
    async def told() -> None:
        a = Node(new_database(tmp_path), "a", [])
        a.server.failing = True
        await a.start()
        await settle(1.5)
        assert not a.mine and not a.store.nodes.epochs and a.server.serving == frozenset()
        a.server.failing = False
        await settle()
        assert len(a.mine) == 16
        await a.stop()

    story(told())


def test_a_node_with_a_wrong_clock_serves_nothing(tmp_path: Path) -> None:
    async def told() -> None:
        path = new_database(tmp_path)
        a, b = Node(path, "a", [], skew=3600), Node(path, "b", [], skew=-2)
        await a.start()
        await b.start()
        await settle()
        assert not a.mine and len(b.mine) == 16, "the other one serves its share, too"
        assert a.membership.problem == (
            "the clock of this node is 3600 s ahead of that of the database: it serves no devices"
        )
        assert b.membership.problem is None
        # Changes of management are dated by the database, so that what they permit holds at each node.
        assert a.membership.time() == pytest.approx(clock(), abs=0.1)
        assert b.membership.time() == pytest.approx(clock() - 2)
        for node in (a, b):
            await node.stop()

    story(told())


def test_a_node_that_does_not_fit_those_that_are_there_is_refused(tmp_path: Path) -> None:
    async def told() -> None:
        path = new_database(tmp_path)
        first = Node(path, "first", [], protocol=(2, 1))
        await first.start()
        await settle(2)
        # Of the version before, and of the one after that, which still speaks with it.
        before, after = Node(path, "before", [], protocol=(1, 1)), Node(path, "after", [], protocol=(3, 2))
        await before.start()
        await settle()
        assert len(first.mine) == len(before.mine) == 8
        with pytest.raises(VersionMismatch) as refused:
            await after.start()
        assert str(refused.value) == (
            "node before of version 1 speaks protocol 1, and this one, of version 1, 3 and none below 2: "
            "stop all nodes of the other version first"
        )
        await settle()
        assert not after.mine and len(first.mine) == len(before.mine) == 8
        # A rolling upgrade: when the oldest are gone, the next may come.
        await before.stop()
        await after.start()
        await settle()
        assert len(first.mine) == len(after.mine) == 8
        for node in (first, after):
            await node.stop()

    story(told())
