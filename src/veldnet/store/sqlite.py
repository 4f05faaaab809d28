"""The embedded engine: one SQLite file, write-ahead log, every commit synced to the disk.

One thread writes, for SQLite has one writer anyway; reads run beside it on connections of their own.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import structlog
from msgspec.structs import astuple
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from veldnet.domain.devices import DeviceRow

from . import hot_reads, marks
from .database import Damaged
from .database_file import DatabaseFile
from .ids import IdSource
from .interface import Conflict, DeliveryRow, LeaseLost, StoreError
from .marks import Marks
from .migrating import current_revision, migrate
from .moment import tell_time
from .rows import HOURLY_COUNTERS, Row, Rows, Statement

T = TypeVar("T")

log = structlog.get_logger(__name__)

PARTITIONS = 64
_COMMITS_PER_CHECKPOINT = 50
# Pages of 4 KB, after which the log restarts.
_LONGEST_LOG = 32_768


# Rows of one statement. Many rows a statement matter: the driver lets go of the interpreter lock for each,
# and must win it back from a busy event loop. Powers of two, so that the statement cache holds them all.
_CHUNKS = (128, 64, 32, 16, 8, 4, 2, 1)


def _insert(table: str, statement: Statement, *, verb: str = "INSERT") -> str:
    return f"{verb} INTO {table} ({', '.join(statement.columns)}) VALUES {{rows}}"


def _insert_owned(table: str, statement: Statement) -> str:
    """Insert with the subscriber of each row's device; of a device deleted meanwhile nothing."""
    columns = ", ".join(statement.columns)
    values = ", ".join(f"{{{name}}}" for name in statement.columns)
    owned = "JOIN devices ON devices.ref = {device_ref} WHERE true"
    rows = "FROM (VALUES {rows})"
    return f"INSERT INTO {table} ({columns}, subscriber_ref) SELECT {values}, subscriber_ref {rows} {owned}"


# `{rows}` are the rows, and `{name}` is the column of that name in `FROM (VALUES {rows})`.
_SQL = {
    Statement.INSERT_FRAME: _insert("frames", Statement.INSERT_FRAME),
    Statement.INSERT_BODY: _insert("frame_bodies", Statement.INSERT_BODY),
    # An UPDATE, so that the state of a device deleted meanwhile goes nowhere.
    Statement.UPDATE_STATE: (
        "UPDATE device_states SET dev_addr = {dev_addr}, pending_dev_addr = {pending_dev_addr}, "
        "state = {state}, restless = {restless}, current_class = {current_class}, watch = {watch} "
        "FROM (VALUES {rows}) WHERE device_ref = {device_ref}"
    ),
    Statement.UPDATE_JOIN_MEMORY: (
        "UPDATE device_states SET join_memory = {join_memory} FROM (VALUES {rows}) "
        "WHERE device_ref = {device_ref}"
    ),
    Statement.INSERT_DELIVERY: _insert("deliveries", Statement.INSERT_DELIVERY),
    Statement.DELETE_DELIVERY: "DELETE FROM deliveries WHERE id IN (VALUES {rows})",
    # Not of a message that was set aside meanwhile, with its device perhaps.
    Statement.NOTE_ATTEMPT: (
        "UPDATE deliveries SET attempts = {attempts}, last_error = {last_error}, "
        "last_attempt_at = {last_attempt_at}, next_attempt_at = {next_attempt_at}, address = {address} "
        "FROM (VALUES {rows}) WHERE id = {id} AND state = 0"
    ),
    Statement.SET_DELIVERY_ASIDE: (
        "UPDATE deliveries SET state = 1, reason = {reason}, attempts = {attempts}, "
        "last_error = {last_error}, last_attempt_at = {last_attempt_at}, next_attempt_at = NULL, "
        "address = {address} FROM (VALUES {rows}) WHERE id = {id} AND state = 0"
    ),
    # A message delivered again replaces what was said of it before.
    Statement.INSERT_DELIVERY_RESULT: _insert(
        "delivery_results", Statement.INSERT_DELIVERY_RESULT, verb="INSERT OR REPLACE"
    ),
    Statement.UPDATE_CHECK: (
        "UPDATE device_states SET check_at = {check_at} FROM (VALUES {rows}) WHERE device_ref = {device_ref}"
    ),
    Statement.UPDATE_HEALTH: "UPDATE devices SET health = {health} FROM (VALUES {rows}) WHERE ref = {ref}",
    Statement.ADD_HOURLY: (
        f"{_insert('hourly_statistics', Statement.ADD_HOURLY)} ON CONFLICT (scope, scope_ref, hour) "
        f"DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in HOURLY_COUNTERS)}"
    ),
    # From `devices`, so that the alarm of a device deleted meanwhile goes nowhere. `created_at` and who
    # acknowledged stay.
    Statement.PUT_ALARM: (
        "INSERT INTO alarms (device_ref, subscriber_ref, type, object, state, occurrence, acked, created_at, "
        "updated_at, acked_at, ack_author, info1, info2, info3, info4, info5, frame_id, cause) "
        "SELECT {device_ref}, subscriber_ref, {type}, {object}, {state}, {occurrence}, {acked}, "
        "{created_at}, {updated_at}, {acked_at}, {ack_author}, {info1}, {info2}, {info3}, {info4}, {info5}, "
        "{frame_id}, {cause} "
        "FROM (VALUES {rows}) JOIN devices ON devices.ref = {device_ref} WHERE true "
        "ON CONFLICT (device_ref, type, object) DO UPDATE SET state = excluded.state, "
        "occurrence = excluded.occurrence, acked = excluded.acked, updated_at = excluded.updated_at, "
        "info1 = excluded.info1, info2 = excluded.info2, info3 = excluded.info3, info4 = excluded.info4, "
        "info5 = excluded.info5, "
        # One that is cleared keeps what had raised it.
        "frame_id = CASE WHEN excluded.state > 1 THEN excluded.frame_id ELSE frame_id END, "
        "cause = CASE WHEN excluded.state > 1 THEN excluded.cause ELSE cause END"
    ),
    Statement.ACKNOWLEDGE_ALARM: (
        "UPDATE alarms SET acked = 1, acked_at = {acked_at}, ack_author = {ack_author} FROM (VALUES {rows}) "
        "WHERE device_ref = {device_ref} AND type = {type} AND object = {object}"
    ),
    Statement.MUTE_ALARM: (
        "UPDATE alarms SET muted_until = {muted_until}, muted_by = {muted_by} FROM (VALUES {rows}) "
        "WHERE device_ref = {device_ref} AND type = {type} AND object = {object}"
    ),
    # What the alarm is just before it is cleared.
    Statement.INSERT_ALARM_HISTORY: (
        "INSERT INTO alarm_history (device_ref, cleared_at, type, object, state, occurrence, acked, "
        "created_at, updated_at, acked_at, ack_author, info1, info2, info3, info4, info5) "
        "SELECT a.device_ref, {cleared_at}, a.type, a.object, a.state, a.occurrence, a.acked, a.created_at, "
        "a.updated_at, a.acked_at, a.ack_author, a.info1, a.info2, a.info3, a.info4, a.info5 "
        "FROM (VALUES {rows}) JOIN alarms a ON a.device_ref = {device_ref} AND a.type = {type} "
        "AND a.object = {object}"
    ),
    Statement.INSERT_NOTIFICATION: _insert("notifications", Statement.INSERT_NOTIFICATION),
    # State 4 is acknowledged: a late report changes nothing any more.
    Statement.PUT_DOWNLINK: (
        f"{_insert_owned('downlinks', Statement.PUT_DOWNLINK)} "
        "ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at, "
        "after_join = excluded.after_join, frame_id = excluded.frame_id, "
        "base_station = excluded.base_station, slot = excluded.slot, causes = excluded.causes, "
        "reason = excluded.reason, sent_at = excluded.sent_at, fcnt = COALESCE(excluded.fcnt, fcnt), "
        "sending_at = COALESCE(excluded.sending_at, sending_at) WHERE state <> 4"
    ),
    # One that was not reported yet was sent all the same.
    Statement.ANSWER_DOWNLINK: (
        "UPDATE downlinks SET state = {state}, answered_at = {answered_at}, updated_at = {answered_at}, "
        "answer_frame_id = {answer_frame_id} FROM (VALUES {rows}) WHERE id = {id} AND state IN (2, 3)"
    ),
}


def _texts(statement: Statement) -> dict[int, str]:
    """The statement for each number of rows."""
    row = f"({', '.join('?' * len(statement.columns))})"
    # SQLite's names for the columns of VALUES.
    names = {name: f"column{number}" for number, name in enumerate(statement.columns, 1)}
    return {size: _SQL[statement].format(rows=", ".join([row] * size), **names) for size in _CHUNKS}


_TEXTS = {statement: _texts(statement) for statement in Statement}


def _execute(cursor: Any, statement: Statement, rows: Sequence[Row]) -> None:
    """Write rows with as few statements as there are chunks."""
    texts = _TEXTS[statement]
    position, total = 0, len(rows)
    for size in _CHUNKS:
        while total - position >= size:
            flat = list(chain.from_iterable(map(astuple, rows[position : position + size])))
            cursor.execute(texts[size], flat)
            position += size


class InlineExecutor(Executor):
    """Runs the work at once in the caller's thread: for a network under a virtual clock."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def sqlite_engine(path: Path, *, durable: bool = True, file: DatabaseFile | None = None) -> Engine:
    """An engine whose transactions take the write lock at once and whose commits are durable, unless a
    simulation has no use for that. `file` watches over the file that the first connection opens."""
    # Every statement of the commits is prepared once, in each of its sizes.
    options = {"timeout": 30, "check_same_thread": False, "cached_statements": 256}
    engine = create_engine(f"sqlite:///{path}", connect_args=options, pool_size=8)
    watched = file if file is not None else DatabaseFile(path)

    @event.listens_for(engine, "do_connect")
    def refuse(*_arguments: Any) -> None:
        # SQLite would begin an empty database.
        problem = watched.problem
        if problem is not None:
            raise sqlite3.OperationalError(problem)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver must not open transactions on its own; `begin` below does it.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if durable else 'OFF'}",
            "foreign_keys=ON",
            # 8 MB for each connection; the operating system keeps the rest of the file.
            "cache_size=-8000",
            "temp_store=MEMORY",
            # Copying the log into the database would hold up a commit; it happens beside them.
            "wal_autocheckpoint=0",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        watched.opened()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN" if options.get("veldnet_read") else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def engine_errors() -> Iterator[None]:
    """Errors of the engine and its driver as those of a store; all others pass through."""
    try:
        yield
    except StoreError:
        raise
    except (IntegrityError, sqlite3.IntegrityError) as error:
        raise Conflict(_describe(error)) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise (Damaged if _is_damaged(error) else StoreError)(_describe(error)) from error


# Primary result codes for a file whose content is wrong.
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_damaged(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _CORRUPT


def _describe(error: Exception) -> str:
    """What the driver said. The statement and its values, which SQLAlchemy adds, are nobody's business."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause)


def _drop(connection: Connection) -> None:
    """Close a connection for good; the pool opens another one in its place."""
    with suppress(SQLAlchemyError, sqlite3.Error):
        connection.invalidate()
    with suppress(SQLAlchemyError, sqlite3.Error):
        connection.close()


class SqliteStore:
    """`Store` over one file. `inline` runs everything in the calling thread; `clock` dates what management
    writes."""

    def __init__(self, path: Path, *, inline: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.file = DatabaseFile(path)
        self.engine = sqlite_engine(path, durable=not inline, file=self.file)
        tell_time(self.engine, clock)
        # Of frames, deliveries and notifications; gives some once this process has the lease.
        self.ids = IdSource.waiting()
        self._marks = Marks(self.ids)
        self._writer: Executor = (
            InlineExecutor() if inline else ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        )
        self._readers: Executor = (
            InlineExecutor() if inline else ThreadPoolExecutor(4, thread_name_prefix="store-reader")
        )
        self._checkpointer: Executor = (
            InlineExecutor() if inline else ThreadPoolExecutor(1, thread_name_prefix="store-checkpoint")
        )
        self._commits_since_checkpoint = 0
        self._checkpointing = False
        self._log_too_long = False
        self._connection: Connection | None = None
        self._epoch: int | None = None

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> tuple[int, int]:
        return self.file.found()

    @property
    def problem(self) -> str | None:
        return self.file.problem

    def revision(self) -> str | None:
        with engine_errors():
            return current_revision(self.engine)

    def migrate(self) -> bool:
        with engine_errors():
            return migrate(self.engine, self.path)

    def dispose(self) -> None:
        self.engine.dispose()

    async def take_leases(self, owner: str | None = None) -> int:
        name = owner or secrets.token_hex(4)

        def take(connection: Connection) -> int:
            current = connection.execute(text("SELECT COALESCE(MAX(epoch), 0) FROM leases")).scalar_one()
            connection.execute(text("DELETE FROM leases"))
            connection.execute(
                text("INSERT INTO leases (partition, epoch, owner) VALUES (:partition, :epoch, :owner)"),
                [
                    {"partition": partition, "epoch": current + 1, "owner": name}
                    for partition in range(PARTITIONS)
                ],
            )
            marks.resume(connection, self.ids, int(current) + 1)
            self._marks.begin_again()
            return int(current) + 1

        self._epoch = None
        self._epoch = await self.write(take)
        return self._epoch

    async def _run(self, executor: Executor, work: Callable[..., T], *arguments: Any) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(executor, work, *arguments)
        except RuntimeError as error:
            raise StoreError(f"the store is closed: {error}") from error
        return await running

    async def commit(self, rows: Iterable[Rows]) -> None:
        await self._run(self._writer, self._commit, rows)

    def _commit(self, rows: Iterable[Rows]) -> None:
        try:
            with engine_errors():
                if self._connection is None:
                    self._connection = self.engine.connect()
                with self._connection.begin():
                    self.file.check()
                    raw = self._connection.connection.cursor()
                    try:
                        self._check_lease(raw)
                        for statement, values in rows:
                            _execute(raw, statement, values)
                        self._marks.write(raw)
                    finally:
                        raw.close()
        except BaseException:
            self._forget_connection()
            raise
        self._marks.written()
        self._after_commit()

    def _forget_connection(self) -> None:
        """Start over with the next commit, whatever state a failure has left the connection in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _drop(connection)

    def _after_commit(self) -> None:
        """See to it that the write-ahead log is copied into the database from time to time."""
        self._commits_since_checkpoint += 1
        if self._log_too_long:
            # Under steady load the log never comes to an end by itself; the copy is nearly complete.
            self._log_too_long = False
            self._run_checkpoint("RESTART")
        if self._commits_since_checkpoint >= _COMMITS_PER_CHECKPOINT and not self._checkpointing:
            self._commits_since_checkpoint = 0
            self._checkpointing = True
            self._checkpointer.submit(self._checkpoint)

    def _checkpoint(self) -> None:
        try:
            pages = self._run_checkpoint("PASSIVE")
            self._log_too_long = pages > _LONGEST_LOG
        finally:
            self._checkpointing = False

    def _run_checkpoint(self, mode: str) -> int:
        """Copy the log; returns its length in pages. A failure is left to the next time."""
        try:
            raw = self.engine.raw_connection()
            try:
                row = raw.cursor().execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            finally:
                raw.close()
        except (SQLAlchemyError, sqlite3.Error) as error:
            log.warning("checkpoint_failed", error=str(error))
            return 0
        return int(row[1]) if row else 0

    def _check_lease(self, cursor: Any) -> None:
        if self._epoch is None:
            return
        (epoch,) = cursor.execute("SELECT MAX(epoch) FROM leases").fetchone()
        if epoch != self._epoch:
            raise LeaseLost("another process has taken over this data directory")

    async def read(self, query: Callable[[Connection], T]) -> T:
        return await self._run(self._readers, self._read, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._transaction(veldnet_read=True) as connection:
            return query(connection)

    async def write(self, change: Callable[[Connection], T]) -> T:
        return await self._run(self._writer, self._write, change)

    def _write(self, change: Callable[[Connection], T]) -> T:
        with self._transaction() as connection:
            self.file.check()
            raw = connection.connection.cursor()
            try:
                if self._epoch is not None:
                    self._check_lease(raw)
                result = change(connection)
                self._marks.write(raw)
            finally:
                raw.close()
        self._marks.written()
        self._after_commit()
        return result

    @contextmanager
    def _transaction(self, **options: Any) -> Iterator[Connection]:
        """A connection of the pool in a transaction. One on which the engine has failed does not go back."""
        with engine_errors(), self.engine.connect() as opened:
            connection = opened.execution_options(**options)
            try:
                with connection.begin():
                    yield connection
            except (SQLAlchemyError, sqlite3.Error):
                _drop(connection)
                raise

    async def devices_by_dev_addr(self, dev_addrs: Sequence[int]) -> list[DeviceRow]:
        return await self.read(lambda connection: hot_reads.devices_by_dev_addr(connection, dev_addrs))

    async def devices_by_dev_eui(self, dev_euis: Sequence[str]) -> list[DeviceRow]:
        return await self.read(lambda connection: hot_reads.devices_by_dev_eui(connection, dev_euis))

    async def devices_by_ref(self, refs: Sequence[int]) -> list[DeviceRow]:
        return await self.read(lambda connection: hot_reads.devices_by_ref(connection, refs))

    async def devices_with_unsolicited_downlinks(self, after: int, limit: int) -> list[int]:
        return await self.read(
            lambda connection: hot_reads.devices_with_unsolicited_downlinks(connection, after, limit)
        )

    async def devices_to_check(self, now: int, limit: int) -> list[int]:
        return await self.read(lambda connection: hot_reads.devices_to_check(connection, now, limit))

    async def pending_queues(self, after: tuple[int, str], limit: int) -> list[tuple[int, str]]:
        return await self.read(lambda connection: hot_reads.pending_queues(connection, after, limit))

    async def pending_deliveries(self, device_ref: int, lane: str, limit: int) -> list[DeliveryRow]:
        return await self.read(
            lambda connection: hot_reads.pending_deliveries(connection, device_ref, lane, limit)
        )

    async def close(self) -> None:
        await self._run(self._writer, self._close)
        self._checkpointer.shutdown(wait=True)
        self._writer.shutdown(wait=False)
        self._readers.shutdown(wait=False)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.engine.dispose()
