"""Changes that share a transaction: each for itself, in their order, and durable before any is answered."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text

from veldnet.store import Conflict, LeaseLost, SqliteStore, StoreError, migrate, shared_commits
from veldnet.store.schema import operators

FEW = range(1, 7)


def open_store(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    migrate(store.engine, store.path)
    return store


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a change takes on a busy machine."""
    monkeypatch.setattr(shared_commits, "_LONGEST", 60.0)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_store(tmp_path / "shared.db")
    await opened.take_leases()
    yield opened
    await opened.close()


def creation(number: int) -> Callable[[Connection], int]:
    """Writes two rows, of which there must never be one alone."""

    def change(connection: Connection) -> int:
        for part in (number, number + 1000):
            connection.execute(insert(operators).values(ref=part, code=f"o{part}", name="x"))
        return number

    return change


def refs(path: Path) -> set[int]:
    """What another process finds."""
    with sqlite3.connect(path) as other:
        return {ref for (ref,) in other.execute("SELECT ref FROM operators")}


def whole(numbers: set[int]) -> set[int]:
    return numbers | {number + 1000 for number in numbers}


class Held:
    """Keeps the writer's thread busy, so that what is asked meanwhile waits together."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._end = threading.Event()

    def __enter__(self) -> None:
        self._store._writer.submit(self._end.wait)

    def __exit__(self, *_error: object) -> None:
        self._end.set()


async def together(store: SqliteStore, *changes: Callable[[Connection], Any]) -> list[Any]:
    """What becomes of changes that wait at the same time."""
    with Held(store):
        tasks = [asyncio.ensure_future(store.write(change)) for change in changes]
        await asyncio.sleep(0)
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def commits(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each transaction of changes that was committed."""
    counted: list[None] = []
    after = store._after_commit

    def count() -> None:
        counted.append(None)
        after()

    monkeypatch.setattr(store, "_after_commit", count)
    return counted


async def test_changes_that_wait_share_a_commit_in_their_order(
    store: SqliteStore, commits: list[None]
) -> None:
    order: list[int] = []

    def noted(number: int) -> Callable[[Connection], int]:
        def change(connection: Connection) -> int:
            order.append(number)
            return creation(number)(connection)

        return change

    assert await together(store, *map(noted, FEW)) == list(FEW) == order
    assert len(commits) == 1
    assert refs(store.path) == whole(set(FEW))


def broken(connection: Connection) -> None:
    creation(50)(connection)
    raise LookupError("no")


def twice(connection: Connection) -> None:
    creation(51)(connection)
    creation(1)(connection)


def nested(connection: Connection) -> None:
    connection.begin_nested()
    creation(52)(connection)
    raise LookupError("inside")


def no_statement(connection: Connection) -> None:
    creation(53)(connection)
    connection.execute(text("SELECT * FROM nowhere"))


def too_large(connection: Connection) -> None:
    creation(54)(connection)
    creation(2**70)(connection)


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        (broken, LookupError),
        (twice, Conflict),
        (nested, LookupError),
        (no_statement, StoreError),
        (too_large, OverflowError),
    ],
)
async def test_one_that_fails_is_undone_alone(
    store: SqliteStore, commits: list[None], failing: Callable[[Connection], None], error: type[Exception]
) -> None:
    found = await together(store, creation(1), failing, creation(2), failing, creation(3))
    assert [one for one in found if isinstance(one, int)] == [1, 2, 3]
    assert [type(found[place]) for place in (1, 3)] == [error, error]
    assert len(commits) == 1
    assert refs(store.path) == whole({1, 2, 3})
    # And the store goes on.
    assert await store.write(creation(4)) == 4


async def test_each_sees_what_those_before_it_have_written(store: SqliteStore) -> None:
    def seen(connection: Connection) -> set[int]:
        return set(connection.execute(select(operators.c.ref)).scalars())

    first, _made, _failed, last = await together(store, seen, creation(1), broken, seen)
    assert (first, last) == (set(), whole({1}))


async def test_what_undoes_the_transaction_undoes_all_of_it(store: SqliteStore) -> None:
    def undo(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.rollback()
        raise OSError("the disk")

    found = await together(store, creation(1), undo, creation(2))
    assert [type(one) for one in found[:2]] == [StoreError, OSError]
    assert found[2] == 2, "it had not begun"
    assert refs(store.path) == whole({2})
    assert await store.write(creation(3)) == 3


async def test_nothing_is_answered_as_written_where_the_commit_fails(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_cursor: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(store._marks, "write", fail)
        found = await together(store, creation(1), broken, creation(2))
    assert [type(one) for one in found] == [StoreError, LookupError, StoreError]
    assert refs(store.path) == set()
    assert await together(store, creation(1), creation(2)) == [1, 2]


async def test_nobody_waits_for_a_transaction_that_cannot_begin(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreError("the file has gone")

    with monkeypatch.context() as patched:
        patched.setattr(store.file, "check", fail)
        found = await together(store, *map(creation, FEW))
    assert [str(one) for one in found] == ["the file has gone"] * len(FEW)
    assert await together(store, *map(creation, FEW)) == list(FEW)


async def test_who_has_lost_the_lease_writes_nothing(store: SqliteStore) -> None:
    other = open_store(store.path)
    await other.take_leases("other")
    found = await together(store, creation(1), creation(2))
    assert [type(one) for one in found] == [LeaseLost, LeaseLost]
    assert refs(store.path) == set()
    await other.close()


async def test_who_does_not_wait_any_more_is_left_out(store: SqliteStore) -> None:
    with Held(store):
        given_up, waits = (asyncio.ensure_future(store.write(creation(number))) for number in (1, 2))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
    assert await waits == 2
    assert given_up.cancelled()
    assert refs(store.path) == whole({2})


async def test_more_than_fit_into_one_go_into_the_next(
    store: SqliteStore, commits: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_commits, "_MOST", 4)
    assert await together(store, *map(creation, range(1, 11))) == list(range(1, 11))
    assert len(commits) == 3
    monkeypatch.setattr(shared_commits, "_LONGEST", 0.0)
    assert await together(store, *map(creation, range(11, 14))) == [11, 12, 13]
    assert len(commits) == 6


async def test_a_store_that_is_closed_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path / "closed.db")
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.write(creation(1))


def _serve(path: Path, answered: int, end_at: int) -> None:
    """Write what waits together; tell each answer through a pipe; die before a statement, by its number, or
    with the first answer."""
    statements = 0

    def count(_statement: str) -> None:
        nonlocal statements
        statements += 1
        if statements == end_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async def write_all() -> None:
        store = SqliteStore(path)

        def trace(connection: Connection) -> None:
            driver: Any = connection.connection.driver_connection
            driver.set_trace_callback(count)

        await store.write(trace)

        async def told(number: int) -> None:
            os.write(answered, bytes([await store.write(creation(number))]))
            if end_at == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        with Held(store):
            tasks = [asyncio.ensure_future(told(number)) for number in FEW]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(write_all())


def _killed(path: Path, end_at: int) -> tuple[set[int], bool]:
    """What a process has answered before it was killed, and whether it was."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reads)
            _serve(path, writes, end_at)
        finally:
            os._exit(0)
    os.close(writes)
    _pid, status = os.waitpid(child, 0)
    with os.fdopen(reads, "rb") as told:
        return set(told.read()), os.WIFSIGNALED(status)


def test_killed_at_any_statement_nothing_answered_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    statement, killed = 0, True
    while killed:
        for old in tmp_path.iterdir():
            old.unlink()
        store = open_store(path)
        store.dispose()
        answered, killed = _killed(path, statement)
        found = refs(path)
        assert found >= whole(answered), f"lost, killed at {statement}"
        assert found in (set(), whole(set(FEW))), f"half, killed at {statement}"
        assert killed or answered == set(FEW)
        statement += 1
    # BEGIN, for each its savepoint with two rows, COMMIT.
    assert statement > 2 + 4 * len(FEW)
