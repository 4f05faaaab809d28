"""Leases of some partitions: several processes write side by side, each for its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from tests import postgresql
from veldnet.domain.partitions import PARTITIONS
from veldnet.store import (
    EngineStore,
    FrameRow,
    LeaseLost,
    NewNode,
    NodeInUse,
    SqliteStore,
    Statement,
    StoreError,
    read_cluster,
)
from veldnet.store.schema import frames, id_marks, leases, nodes, properties

NOW = 1_800_000_000.0
LOWER, UPPER = range(PARTITIONS // 2), range(PARTITIONS // 2, PARTITIONS)


@pytest.fixture(params=("sqlite", "postgresql"))
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[EngineStore]]:
    """Three processes on one database."""
    async with AsyncExitStack() as held:
        opened: list[EngineStore] = []
        if request.param == "sqlite":
            opened = [SqliteStore(tmp_path / "leases.db") for _ in range(3)]
            opened[0].migrate()
        else:
            url = held.enter_context(postgresql.database())
            opened = [postgresql.open_store(url) for _ in range(3)]
        for store in opened:
            held.push_async_callback(store.close)
        yield opened


async def hear(store: EngineStore) -> int:
    identifier = store.ids.next(NOW)
    row = FrameRow(identifier, 1, 0, "accepted", 1, 2, 3, -900, 50, 5, 1, 1, None, 0)
    await store.commit([(Statement.INSERT_FRAME, [row])])
    return identifier


async def test_two_processes_hold_a_half_each(stores: list[EngineStore]) -> None:
    one, two, three = stores
    first = await one.take_leases("one", LOWER)
    assert await two.take_leases("two", UPPER) == first + 1
    given = [await hear(one), await hear(two), await hear(one), await hear(two)]
    assert len(set(given)) == 4, "both gave the same identifier in the same millisecond"
    assert {millis >> 20 for millis in given} == {given[0] >> 20}

    # Whoever loses a partition writes nothing more; the other one goes on.
    await three.take_leases("three", [3])
    with pytest.raises(LeaseLost):
        await hear(one)
    with pytest.raises(LeaseLost):
        await one.write(lambda connection: None)
    given += [await hear(two), await hear(three)]
    rows = await two.read(lambda c: c.execute(select(frames.c.id).order_by(frames.c.id)).scalars().all())
    assert rows == sorted(given)
    held = await two.read(lambda c: c.execute(select(leases).order_by(leases.c.partition)).all())
    assert [row.owner for row in held] == ["one"] * 3 + ["three"] + ["one"] * 28 + ["two"] * 32
    assert len({row.process for row in held}) == 3


async def test_a_process_that_takes_more_keeps_its_number(stores: list[EngineStore]) -> None:
    one, two, _three = stores
    await one.take_leases("one", LOWER)
    before = await hear(one)
    await two.take_leases("two", [40])
    await one.take_leases("one", UPPER)
    with pytest.raises(LeaseLost):
        await hear(two)
    assert await hear(one) > before
    held = await one.read(lambda c: c.execute(select(leases)).all())
    assert {(row.owner, row.process) for row in held} == {("one", held[0].process)}
    assert {row.epoch for row in held} == {1, 3}
    marks = await one.read(lambda c: c.execute(select(id_marks.c.last_id)).scalars().all())
    assert max(marks) >= before


# Nodes.


def node(name: str) -> NewNode:
    return NewNode(name, "1.0", frozenset({"network"}), {"api": f"https://{name}"})


async def expire(store: EngineStore, name: str) -> None:
    """Have the lease of a node end now, whatever the clock of the database says."""
    await store.nodes._keep(
        lambda c: c.execute(update(nodes).where(nodes.c.name == name).values(expires_at=0))
    )


async def test_nodes_join_and_take_what_is_free(stores: list[EngineStore]) -> None:
    one, two, _three = stores
    first, second = await one.nodes.join(node("a"), 3), await two.nodes.join(node("b"), 3)
    assert first.process != second.process
    assert await one.nodes.take(range(40)) == frozenset(range(40))
    assert await two.nodes.take(range(PARTITIONS)) == frozenset(range(40, PARTITIONS))
    given = [await hear(one), await hear(two)]
    assert [(each >> 14) & 63 for each in given] == [first.process, second.process]
    await one.write(lambda connection: None)

    view = await one.nodes.beat(3)
    assert [(each.name, each.roles, dict(each.addresses)) for each in view.living] == [
        ("a", frozenset({"network"}), {"api": "https://a"}),
        ("b", frozenset({"network"}), {"api": "https://b"}),
    ]
    assert {partition: lease.owner for partition, lease in view.leases.items()} == {
        partition: "a" if partition < 40 else "b" for partition in range(PARTITIONS)
    }
    assert one.nodes.epochs == {number: view.leases[number].epoch for number in range(40)}
    assert all(each.beat_at == view.now and each.expires_at == view.now + 3000 for each in view.nodes[:1])


async def test_a_name_is_had_once_at_a_time(stores: list[EngineStore]) -> None:
    one, two, three = stores
    await one.nodes.join(node("a"), 3)
    await one.nodes.take([1])
    with pytest.raises(NodeInUse, match="another node has the name a"):
        await two.nodes.join(node("a"), 3)
    assert two.nodes.epochs == {}
    await expire(two, "a")
    await two.nodes.join(node("a"), 3)
    # The one before was paused, not ended.
    for late in (one.nodes.beat(3), one.write(lambda c: None), hear(one)):
        with pytest.raises(LeaseLost):
            await late
    view = await three.read(read_cluster)
    assert [each.name for each in view.living] == ["a"] and not view.leases
    await two.nodes.leave()
    assert (await three.read(read_cluster)).nodes == ()


async def test_a_node_that_was_paused_writes_nothing_of_what_was_taken(stores: list[EngineStore]) -> None:
    one, two, _three = stores
    await one.nodes.join(node("a"), 3)
    await two.nodes.join(node("b"), 3)
    await one.nodes.take(LOWER)
    assert await two.nodes.take(LOWER) == frozenset()
    await expire(two, "a")
    before = one.proof()
    assert await two.nodes.take([3]) == {3}
    with pytest.raises(LeaseLost):
        await hear(one)
    # It is a member still, once it has renewed, and goes on with the others.
    view = await one.nodes.beat(3)
    assert view.leases[3].owner == "b" and view.leases[4].owner == "a"
    await one.write(lambda connection: None)
    one.nodes.lose([3])
    await hear(one)
    # What it had made rows of before is refused for good, also where it takes the partition again.
    await two.nodes.release([3])
    assert await one.nodes.take([3]) == {3}
    await hear(one)
    with pytest.raises(LeaseLost):
        await one.commit([], before)


async def test_a_partition_changes_hands_while_both_nodes_commit(stores: list[EngineStore]) -> None:
    one, two, _three = stores
    await one.nodes.join(node("a"), 3)
    await two.nodes.join(node("b"), 3)
    await one.nodes.take(LOWER)
    await two.nodes.take(UPPER)
    ended = False

    async def busy(store: EngineStore) -> list[int]:
        heard = []
        while not ended:
            heard.append(await hear(store))
        return heard

    writing = [asyncio.ensure_future(busy(store)) for store in (one, two)]
    for partition in (0, 1, 40, 2, 41, 42, 0, 1, 2):
        giver, taker = (one, two) if partition in one.nodes.epochs else (two, one)
        await giver.nodes.release([partition])
        assert await taker.nodes.take([partition]) == {partition}
        await asyncio.gather(one.nodes.beat(3), two.nodes.beat(3))
    ended = True
    heard = [*await writing[0], *await writing[1]]
    rows = await one.read(lambda c: c.execute(select(frames.c.id)).scalars().all())
    assert sorted(rows) == sorted(heard) and len(set(heard)) == len(heard)


async def test_a_server_alone_and_nodes_take_from_each_other(stores: list[EngineStore]) -> None:
    one, two, three = stores
    await one.take_leases("alone")
    await two.nodes.join(node("b"), 3)
    # Whoever begins nodes has made sure that nobody serves alone.
    assert await two.nodes.take([0, 1]) == {0, 1}
    with pytest.raises(LeaseLost):
        await hear(one)
    await hear(two)
    await three.take_leases("alone again")
    with pytest.raises(LeaseLost):
        await hear(two)
    numbers = [(await hear(three)) >> 14 & 63, two.lease.process if two.lease else -1]
    assert numbers[0] != numbers[1]


async def test_a_change_of_a_node_that_hangs_holds_up_nobody_who_takes_its_partitions() -> None:
    with postgresql.database() as url:
        one, two = postgresql.open_store(url), postgresql.open_store(url)
        await one.nodes.join(node("a"), 3)
        await one.nodes.take(LOWER)
        await two.nodes.join(node("b"), 3)
        begun, paused = threading.Event(), threading.Event()

        def hang(connection: Connection) -> None:
            connection.execute(insert(properties).values(name="late", value="1"))
            begun.set()
            paused.wait(20)

        change = asyncio.ensure_future(one.write(hang))
        await asyncio.to_thread(begun.wait)
        await expire(two, "a")
        assert await two.nodes.take(LOWER) == frozenset(LOWER)
        await hear(two)
        paused.set()
        with pytest.raises(StoreError):
            await change
        kept = await two.read(lambda c: c.execute(select(properties.c.name)).scalars().all())
        assert "late" not in kept
        await one.close()
        await two.close()
