"""The embedded engine: one SQLite file, write-ahead log, every commit synced to the disk.

One thread writes, for SQLite has one writer anyway; reads run beside it on connections of their own.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import structlog
from msgspec.structs import astuple
from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from veldnet.texts import Text

from .database import Damaged
from .database_file import DatabaseFile
from .engine_store import EngineStore, InlineExecutor, describe, executor
from .interface import Conflict, LeaseLost, StoreError
from .leases import Proof
from .migrating import current_revision, migrate
from .properties import write_property
from .rows import Row, Rows, Statement
from .shared_commits import Asked, SharedCommits
from .statements import SQL

T = TypeVar("T")

log = structlog.get_logger(__name__)

_PROOF = "SELECT SUM(epoch) FROM leases WHERE owner = ? AND (? >> partition) & 1 = 1"
_MEMBER = "SELECT 1 FROM nodes WHERE name = ? AND epoch = ?"
_COMMITS_PER_CHECKPOINT = 50
# Of a connection on which the engine has failed in one of several changes.
_SUSPECT = "suspect"
# Pages of 4 KB, after which the log restarts.
_LONGEST_LOG = 32_768
# Octets that have to be written before the database counts as writable again.
_PROBE = 65_536


# Rows of one statement. Many rows a statement matter: the driver lets go of the interpreter lock for each,
# and must win it back from a busy event loop. Powers of two, so that the statement cache holds them all.
_CHUNKS = (128, 64, 32, 16, 8, 4, 2, 1)


def _texts(statement: Statement) -> dict[int, str]:
    """The statement for each number of rows."""
    row = f"({', '.join('?' * len(statement.columns))})"
    # SQLite's names for the columns of VALUES.
    names = {name: f"column{number}" for number, name in enumerate(statement.columns, 1)}
    texts = {}
    for size in _CHUNKS:
        values = f"VALUES {', '.join([row] * size)}"
        texts[size] = SQL[statement].format(values=values, source=f"({values})", **names)
    return texts


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


def sqlite_engine(path: Path, *, durable: bool = True, file: DatabaseFile | None = None) -> Engine:
    """An engine whose transactions take the write lock at once and whose commits are durable, unless a
    simulation has no use for that. `file` watches over the file that the first connection opens."""
    watched = file if file is not None else DatabaseFile(path)

    def connect() -> sqlite3.Connection:
        # SQLite would begin an empty database.
        problem = watched.problem
        if problem is not None:
            raise sqlite3.OperationalError(problem)
        # Every statement of the commits is prepared once, in each of its sizes.
        return sqlite3.connect(path.absolute(), timeout=30, check_same_thread=False, cached_statements=256)

    engine = create_engine(f"sqlite:///{path}", creator=connect, pool_size=8)
    # Not by an event: an engine with one looks at each statement for more of them.
    vars(engine.dialect)["do_begin"] = _begin

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

    return engine


def _begin(connection: PoolProxiedConnection) -> None:
    """Take the write lock, unless the transaction is there: one that only reads."""
    driver: Any = connection.driver_connection
    if not driver.in_transaction:
        driver.execute("BEGIN IMMEDIATE").close()


def _prove(cursor: Any, proof: Proof | None) -> None:
    """Raises `LeaseLost`."""
    if proof is None:
        return
    owner, member = proof.owner, proof.member
    if proof.held:
        (epochs,) = cursor.execute(_PROOF, (owner, proof.held)).fetchone()
        if epochs != proof.epochs:
            raise LeaseLost("another process has taken over this data directory")
    if member is not None and cursor.execute(_MEMBER, (owner, member)).fetchone() is None:
        raise LeaseLost("another process has taken the place of this node")


@contextmanager
def engine_errors() -> Iterator[None]:
    """Errors of the engine and its driver as those of a store; all others pass through."""
    try:
        yield
    except StoreError:
        raise
    except (IntegrityError, sqlite3.IntegrityError) as error:
        raise Conflict(describe(error)) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise (Damaged if _is_damaged(error) else StoreError)(describe(error)) from error
    except UnicodeDecodeError:
        # The driver cannot even read the engine's message, which quotes what it found in the file.
        raise Damaged("the database is damaged: its schema has text that cannot be read") from None


# Primary result codes for a file whose content is wrong.
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_damaged(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _CORRUPT


def _drop(connection: Connection) -> None:
    """Close a connection for good; the pool opens another one in its place."""
    with suppress(SQLAlchemyError, sqlite3.Error):
        connection.invalidate()
    with suppress(SQLAlchemyError, sqlite3.Error):
        connection.close()


class SqliteStore(EngineStore):
    """`Store` over one file. `inline` runs everything in the calling thread; `clock` dates what management
    writes."""

    def __init__(self, path: Path, *, inline: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.file = DatabaseFile(path)
        engine = sqlite_engine(path, durable=not inline, file=self.file)
        super().__init__(engine, mark="?", inline=inline, clock=clock)
        self._shared = SharedCommits(self._writer, self._write_together)
        self._checkpointer = executor(inline, 1, "checkpoint")
        self._commits_since_checkpoint = 0
        self._checkpointing = False
        self._log_too_long = False
        self._connection: PoolProxiedConnection | None = None

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> tuple[int, int]:
        return self.file.found()

    @property
    def problem(self) -> str | None:
        found = self.file.problem
        if found is None:
            return None
        return Text("{problem}: what this server accepts now would be lost", problem=found)

    def revision(self) -> str | None:
        with engine_errors():
            return current_revision(self.engine)

    def migrate(self) -> bool:
        with engine_errors():
            return migrate(self.engine, self.path)

    def dispose(self) -> None:
        self.engine.dispose()

    def _commit(self, rows: Iterable[Rows], proof: Proof | None) -> None:
        try:
            with engine_errors():
                if self._connection is None:
                    self._connection = self.engine.raw_connection()
                # Without SQLAlchemy, whose part would be a third of a small commit.
                raw = self._connection.cursor()
                try:
                    raw.execute("BEGIN IMMEDIATE")
                    self.file.check()
                    _prove(raw, proof)
                    for statement, values in rows:
                        _execute(raw, statement, values)
                    mark = self._marks.write(raw)
                    raw.execute("COMMIT")
                finally:
                    raw.close()
        except BaseException:
            self._forget_connection()
            raise
        self._marks.written(mark)
        self._after_commit()

    def _forget_connection(self) -> None:
        """Start over with the next commit, whatever state a failure has left the connection in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError, sqlite3.Error):
                connection.rollback()
            with suppress(SQLAlchemyError, sqlite3.Error):
                connection.invalidate()

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
                checkpoint = raw.cursor().execute(f"PRAGMA wal_checkpoint({mode})")
                _busy, pages, _copied = checkpoint.fetchone()
            finally:
                raw.close()
        except (SQLAlchemyError, sqlite3.Error) as error:
            log.warning("checkpoint_failed", error=str(error))
            return 0
        return int(pages)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._transaction(reads=True) as connection:
            return query(connection)

    def _write(self, change: Callable[[Connection], T], proof: Proof | None) -> T:
        with self._transaction() as connection:
            self.file.check()
            raw = connection.connection.cursor()
            try:
                _prove(raw, proof)
                result = change(connection)
                mark = self._marks.write(raw)
            finally:
                raw.close()
        self._marks.written(mark)
        self._after_commit()
        return result

    async def write(self, change: Callable[[Connection], T]) -> T:
        if isinstance(self._writer, InlineExecutor):
            return await super().write(change)
        return await self._shared.write(change, self._change_proof())

    async def probe(self) -> None:
        # Written to the disk with a commit: a row that is taken back before is never.
        for value in (secrets.token_hex(_PROBE // 2), ""):
            await self.write(partial(write_property, name="probe", value=value))

    def _write_together(self, waiting: Iterator[Asked]) -> None:
        with self._transaction() as connection:
            self.file.check()
            written = [asked for asked in waiting if self._carry_out(connection, asked)]
            begun = connection.get_transaction()
            if begun is not None and not written:
                begun.rollback()
                return
            raw = connection.connection.cursor()
            try:
                mark = self._marks.write(raw)
            finally:
                raw.close()
        self._marks.written(mark)
        self._after_commit()

    def _carry_out(self, connection: Connection, asked: Asked) -> bool:
        """One of several changes of a transaction, so that it can be undone alone; whether it was made."""
        driver: Any = connection.connection.driver_connection
        driver.execute("SAVEPOINT change").close()
        try:
            with engine_errors():
                raw = driver.cursor()
                try:
                    _prove(raw, asked.proof)
                finally:
                    raw.close()
                asked.result = asked.change(connection)
        except BaseException as error:
            asked.error = error
            if not driver.in_transaction:
                raise StoreError(f"undone with another change: {error}") from error
            while (nested := connection.get_nested_transaction()) is not None:
                nested.rollback()
            driver.execute("ROLLBACK TO change").close()
            if isinstance(error, StoreError) and not isinstance(error, (Conflict, LeaseLost)):
                connection.info[_SUSPECT] = True
        driver.execute("RELEASE change").close()
        return asked.error is None

    def keep(self, change: Callable[[Connection], T]) -> T:
        return self._write(change, None)

    @contextmanager
    def _transaction(self, *, reads: bool = False) -> Iterator[Connection]:
        """A connection of the pool in a transaction. One on which the engine has failed does not go back."""
        with engine_errors(), self.engine.connect() as connection:
            try:
                if reads:
                    driver: Any = connection.connection.driver_connection
                    driver.execute("BEGIN").close()
                with connection.begin():
                    yield connection
                if _SUSPECT in connection.info:
                    _drop(connection)
            except (SQLAlchemyError, sqlite3.Error):
                _drop(connection)
                raise

    async def close(self) -> None:
        await super().close()
        self._checkpointer.shutdown(wait=True)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.engine.dispose()
