"""What a store does when its engine fails: an error of its own, nothing half done, and work as before once
the cause is over."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from veldnet.store import BodyRow, Conflict, FrameRow, SqliteStore, Statement, StoreError, migrate
from veldnet.store.schema import deliveries, frame_bodies, frames, operators

PAGE = 4096


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "failing.db")
    migrate(opened.engine, opened.path)
    await opened.take_leases()
    yield opened
    await opened.close()


def frame_row(identifier: int) -> FrameRow:
    return FrameRow(identifier, 1, 0, "accepted", 1, 2, 3, -900, 50, 5, 1, 1, None, 0)


async def commit(store: SqliteStore, identifier: int) -> None:
    body = b"b" * 3 * PAGE
    await store.commit(
        [
            (Statement.INSERT_FRAME, [frame_row(identifier)]),
            (Statement.INSERT_BODY, [BodyRow(identifier, 0, body)]),
        ]
    )


async def write(store: SqliteStore, identifier: int) -> None:
    def change(connection: Connection) -> None:
        connection.execute(
            insert(operators).values(ref=identifier, code=f"o{identifier}", name="x" * 3 * PAGE)
        )

    await store.write(change)


async def read(store: SqliteStore, _identifier: int) -> None:
    await store.read(lambda c: c.execute(select(func.count()).select_from(frames)).scalar_one())


HELPERS: dict[str, Callable[[SqliteStore], Awaitable[object]]] = {
    "devices_by_dev_addr": lambda store: store.devices_by_dev_addr([1]),
    "devices_by_dev_eui": lambda store: store.devices_by_dev_eui(["00"]),
    "devices_by_ref": lambda store: store.devices_by_ref([1]),
    "devices_with_unsolicited_downlinks": lambda store: store.devices_with_unsolicited_downlinks(0, 9),
    "devices_to_check": lambda store: store.devices_to_check(1, 9),
    "pending_queues": lambda store: store.pending_queues((0, ""), 9),
    "pending_deliveries": lambda store: store.pending_deliveries(1, "", 9),
}
CHANGES = {"commit": commit, "write": write}


async def check_works(store: SqliteStore, number: int) -> None:
    """Every way in works, and what was committed is there for another process."""
    for attempt in (commit, write, read):
        await attempt(store, number)
    for helper in HELPERS.values():
        await helper(store)
    with sqlite3.connect(store.path) as other:
        for table, column in (("frames", "id"), ("operators", "ref")):
            found = other.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (number,)).fetchone()
            assert found == (1,), table


async def check_refused(attempt: Awaitable[object]) -> StoreError:
    with pytest.raises(StoreError) as raised:
        await attempt
    assert not isinstance(raised.value, SQLAlchemyError | sqlite3.Error)
    assert "INSERT" not in str(raised.value) and "[SQL" not in str(raised.value), "no values in logs"
    return raised.value


async def check_nothing_of(store: SqliteStore, number: int) -> None:
    count = select(func.count())
    queries = (
        count.select_from(frames).where(frames.c.id == number),
        count.select_from(frame_bodies).where(frame_bodies.c.frame_id == number),
        count.select_from(operators).where(operators.c.ref == number),
    )
    assert await store.read(lambda c: [c.execute(query).scalar_one() for query in queries]) == [0, 0, 0]


@contextmanager
def short_timeout(store: SqliteStore) -> Iterator[None]:
    """A locked database is given up after 50 ms, not 30 s."""

    def hurry(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50").close()

    event.listen(store.engine, "checkout", hurry)
    yield
    event.remove(store.engine, "checkout", hurry)


@pytest.mark.parametrize("name", CHANGES)
async def test_b2_a_locked_database(store: SqliteStore, name: str) -> None:
    with short_timeout(store):
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        error = await check_refused(CHANGES[name](store, 1))
        assert "locked" in str(error)
        # Readers do not wait for writers.
        await read(store, 1)
        other.execute("ROLLBACK")
        other.close()
        await check_nothing_of(store, 1)
        await check_works(store, 2)


@pytest.mark.parametrize("name", CHANGES)
async def test_b2_a_full_disk(store: SqliteStore, name: str) -> None:
    def fill(connection: Any, _record: Any, _proxy: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}").close()

    def make_room(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute("PRAGMA max_page_count=1073741823").close()

    await check_works(store, 1)
    await store._run(store._writer, store._forget_connection)
    event.listen(store.engine, "checkout", fill)
    for number in (2, 3):
        error = await check_refused(CHANGES[name](store, number))
        assert "full" in str(error)
        await read(store, number)
        await check_nothing_of(store, number)
    event.remove(store.engine, "checkout", fill)
    event.listen(store.engine, "checkout", make_room)
    await check_works(store, 4)


class Broken:
    """A driver's cursor on which a statement fails as on a disk with a defect."""

    def __init__(self, error: type[sqlite3.Error], words: str) -> None:
        self.error, self.words = error, words
        self.broken = True

    def fail(self, _c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if self.broken and statement.lstrip().startswith(("SELECT", "INSERT", "UPDATE")):
            raise self.error(self.words)


ENGINE_ERRORS = [
    (sqlite3.OperationalError, "disk I/O error"),
    (sqlite3.OperationalError, "unable to open database file"),
    (sqlite3.DatabaseError, "database disk image is malformed"),
    (sqlite3.InterfaceError, "bad parameter or other API misuse"),
    (sqlite3.InternalError, "out of memory"),
]


@pytest.mark.parametrize(("error", "words"), ENGINE_ERRORS)
@pytest.mark.parametrize("name", ["write", "read", *HELPERS])
async def test_b2_every_error_of_a_driver_is_a_store_error(
    store: SqliteStore, name: str, error: type[sqlite3.Error], words: str
) -> None:
    await check_works(store, 1)
    defect = Broken(error, words)
    event.listen(store.engine, "before_cursor_execute", defect.fail)
    attempt = HELPERS[name](store) if name in HELPERS else {**CHANGES, "read": read}[name](store, 2)
    await check_refused(attempt)
    defect.broken = False
    await check_nothing_of(store, 2)
    await check_works(store, 3)


# SQLite's code for BEGIN, COMMIT and ROLLBACK when it asks whether they are allowed.
_TRANSACTION = 22


@pytest.mark.parametrize("name", CHANGES)
async def test_b2_a_commit_that_fails_at_its_very_end(store: SqliteStore, name: str) -> None:
    await check_works(store, 1)
    fault = {"on": True}

    def fail(_connection: Connection) -> None:
        if fault["on"]:
            raise sqlite3.OperationalError("disk I/O error")

    def deny(action: int, operation: str | None, *_of: str | None) -> int:
        return int(action == _TRANSACTION and operation == "COMMIT")

    event.listen(store.engine, "commit", fail)
    # Frames are committed without SQLAlchemy.
    assert store._connection is not None
    store._connection.driver_connection.set_authorizer(deny)  # type: ignore[union-attr]
    await check_refused(CHANGES[name](store, 2))
    if store._connection is not None:
        store._connection.driver_connection.set_authorizer(None)  # type: ignore[union-attr]
    fault["on"] = False
    await check_nothing_of(store, 2)
    await check_works(store, 3)


@pytest.mark.parametrize("error", [LookupError("no"), OSError("a file of the caller"), ValueError("x")])
@pytest.mark.parametrize("way", ["read", "write"])
async def test_b2_exceptions_of_the_caller_pass_through(
    store: SqliteStore, error: Exception, way: str
) -> None:
    def work(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        raise error

    with pytest.raises(type(error)) as raised:
        await (store.read(work) if way == "read" else store.write(work))
    assert raised.value is error
    await check_works(store, 1)


async def test_b2_rows_that_fail_to_come_leave_nothing(store: SqliteStore) -> None:
    def rows() -> Iterator[Any]:
        yield Statement.INSERT_FRAME, [frame_row(2)]
        raise LookupError("no more")

    with pytest.raises(LookupError):
        await store.commit(rows())
    await check_nothing_of(store, 2)
    await check_works(store, 3)


async def test_b2_a_broken_constraint_has_a_name(store: SqliteStore) -> None:
    await check_works(store, 1)
    for attempt in (commit(store, 1), write(store, 1)):
        with pytest.raises(Conflict, match="UNIQUE"):
            await attempt
    with pytest.raises(Conflict, match="FOREIGN KEY"):
        await store.write(
            lambda c: c.execute(
                text("INSERT INTO subscribers (operator_ref, customer_id, name) VALUES (99, '1', 'x')")
            )
        )
    await check_works(store, 2)


@pytest.mark.parametrize("gone", ["", "-wal"])
@pytest.mark.parametrize("name", CHANGES)
async def test_b7_nothing_is_written_into_a_file_that_has_gone(
    store: SqliteStore, name: str, gone: str
) -> None:
    """It would be lost with the process. When the file is back, all goes on."""
    await check_works(store, 1)
    file = Path(f"{store.path}{gone}")
    aside = file.with_name("aside")
    file.rename(aside)
    error = await check_refused(CHANGES[name](store, 2))
    assert "has gone" in str(error)
    assert not gone or file.exists() is False
    aside.rename(file)
    assert store.file.problem is None
    await check_nothing_of(store, 2)
    await check_works(store, 3)


async def test_b7_no_empty_database_is_begun_in_place_of_one_that_has_gone(store: SqliteStore) -> None:
    await check_works(store, 1)
    aside = store.path.with_name("aside")
    store.path.rename(aside)
    # Connections that the pool reopens would make one.
    store.engine.dispose()
    await store._run(store._writer, store._forget_connection)
    for attempt in (read, commit, write):
        await check_refused(attempt(store, 2))
    assert not store.path.exists()
    assert store.file.problem is not None and "has gone" in store.file.problem
    aside.rename(store.path)
    await check_works(store, 3)


@pytest.mark.parametrize("name", CHANGES)
async def test_b7_nothing_is_written_beside_a_file_that_was_put_in_place(
    store: SqliteStore, name: str
) -> None:
    await check_works(store, 1)
    copy = store.path.with_name("copy")
    with sqlite3.connect(store.path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    aside = store.path.with_name("aside")
    store.path.rename(aside)
    copy.rename(store.path)
    error = await check_refused(CHANGES[name](store, 2))
    assert "replaced" in str(error)
    store.path.unlink()
    aside.rename(store.path)
    await check_works(store, 3)


async def test_b2_a_corrupt_page(store: SqliteStore) -> None:
    """Of one table: what needs it fails, what does not goes on, and once it is mended all does."""
    await check_works(store, 1)
    await store.write(lambda c: c.execute(text("CREATE TABLE spoilt (a TEXT)")))
    await store.write(lambda c: c.execute(text("INSERT INTO spoilt VALUES ('x')")))
    root = await store.read(
        lambda c: c.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'spoilt'")).scalar_one()
    )
    store._run_checkpoint("TRUNCATE")
    store.engine.dispose()
    await store._run(store._writer, store._forget_connection)
    whole = store.path.read_bytes()
    with store.path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xff" * PAGE)
    error = await check_refused(store.read(lambda c: c.execute(text("SELECT * FROM spoilt")).all()))
    assert "malformed" in str(error) or "corrupt" in str(error)
    await check_refused(store.write(lambda c: c.execute(text("INSERT INTO spoilt VALUES ('y')"))))
    await read(store, 1)
    store.engine.dispose()
    with store.path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(whole[(root - 1) * PAGE : root * PAGE])
    assert await store.read(lambda c: c.execute(text("SELECT a FROM spoilt")).scalars().all()) == ["x"]
    await check_works(store, 2)


async def test_b2_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "junk.db"
    path.write_bytes(b"junk " * 5000)
    store = SqliteStore(path)
    for attempt in (read, write, commit):
        error = await check_refused(attempt(store, 1))
        assert "not a database" in str(error)
    await store.close()


async def test_b2_a_store_that_is_closed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "closed.db")
    migrate(store.engine, store.path)
    await store.close()
    for attempt in (read, write, commit):
        await check_refused(attempt(store, 1))


async def test_b2_a_pool_without_a_free_connection_is_waited_for_or_refused(store: SqliteStore) -> None:
    """Failures give their connections back: a hundred of them leave room for all."""
    for _ in range(100):
        with pytest.raises(StoreError):
            await store.read(lambda c: c.execute(text("SELECT * FROM nothing")))
        with pytest.raises(StoreError):
            await store.write(lambda c: c.execute(text("INSERT INTO nothing VALUES (1)")))
    await check_works(store, 1)
    assert await store.read(lambda c: c.execute(select(deliveries)).all()) == []
