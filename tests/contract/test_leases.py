"""Leases of some partitions: several processes write side by side, each for its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from tests import postgresql
from veldnet.store import PARTITIONS, EngineStore, FrameRow, LeaseLost, SqliteStore, Statement
from veldnet.store.schema import frames, id_marks, leases

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
