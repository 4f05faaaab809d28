"""`Store` over PostgreSQL.

A commit goes to the server as one batch and comes back as one answer: the proof of the lease, the rows, the
marks and the COMMIT. Changes of management exclude each other and commits, as in SQLite; commits of several
processes go side by side."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from msgspec.structs import asdict, astuple
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from veldnet.store.engine_store import EngineStore, executor
from veldnet.store.interface import StoreError
from veldnet.store.leases import Lease, Proof
from veldnet.store.marks import Mark
from veldnet.store.migrating import current_revision
from veldnet.store.moment import tell_time
from veldnet.store.rows import Rows

from . import arrays, days
from .address import parse_url, shown
from .connecting import (
    READERS,
    WRITERS,
    FoundDatabase,
    check_server,
    commit_connection,
    engine,
    find,
    has_gone,
)
from .connection_gate import ConnectionGate
from .creating import bring_to_head
from .errors import is_gone, may_try_again, store_errors
from .ordered import in_order
from .pipeline import Pipeline

T = TypeVar("T")

# Of a commit that another writer was in the way of.
_ATTEMPTS = 3
# Seconds after which a server that does not answer has not renewed a lease.
_LEASE_PATIENCE = 2
# Half a megabyte.
_FILLER = "SELECT repeat('x', 1000) FROM generate_series(1, 512)"
_NO_PROOF = Proof(None, None, None, 0, 0)  # type: ignore[arg-type]
_BEGIN_COMMIT = "SELECT veldnet_begin_commit(%s::text, %s::int, %s::bigint, %s::bigint, %s::bigint)"
_BEGIN_CHANGE = text(
    "SELECT veldnet_begin_change(:owner, CAST(:process AS int), CAST(:member AS bigint), "
    "CAST(:held AS bigint), CAST(:epochs AS bigint))"
)


class PostgresStore(EngineStore):
    """`Store` over the database that a URL names. Raises `StoreError` where that cannot be used. `inline`
    runs everything in the calling thread; `clock` dates what management writes."""

    def __init__(self, url: str, *, inline: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.url: URL = parse_url(url)
        self._found = check_server(self.url)
        # Whoever blocks the loop itself does not wait for a turn.
        self._gate = None if inline else ConnectionGate()
        self._reading: Engine = engine(self.url, self._gate, size=READERS, reading=True)
        self._keeping: Engine = engine(self.url, self._gate, size=1, patience=_LEASE_PATIENCE)
        super().__init__(engine(self.url, self._gate, size=WRITERS), mark="%s", inline=inline, clock=clock)
        self._committer: Executor = executor(inline, 1, "committer")
        # Whether the connections have been opened that a server needs.
        self._filled = inline
        self._filling: list[Future[Any]] = []
        self._connection: psycopg.Connection[Any] | None = None
        self._pipeline: Pipeline
        self._problem: str | None = None
        self._days: set[int] = set()

    def go_by(self, clock: Callable[[], float]) -> None:
        super().go_by(clock)
        tell_time(self._reading, clock)
        tell_time(self._keeping, clock)

    @property
    def name(self) -> str:
        return shown(self.url)

    @property
    def identity(self) -> tuple[int, int]:
        return 0, self._found.number

    @property
    def problem(self) -> str | None:
        return self._problem

    @property
    def place(self) -> str:
        return self._found.place

    @property
    def origin(self) -> str:
        return self._found.origin

    def revision(self) -> str | None:
        with store_errors():
            return current_revision(self.engine)

    def migrate(self) -> bool:
        with store_errors():
            return bring_to_head(self.engine)

    def _commit(self, rows: Iterable[Rows], proof: Proof | None) -> None:
        ordered = [(statement, in_order(statement, values)) for statement, values in rows if values]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with store_errors():
                    mark = self._write_rows(ordered, proof)
                    break
            except StoreError as error:
                self._forget_connection()
                if attempt == _ATTEMPTS or not may_try_again(error.__cause__ or error):
                    raise
            except BaseException:
                self._forget_connection()
                raise
        self._marks.written(mark)

    def _write_rows(self, rows: list[Rows], proof: Proof | None) -> Mark:
        """One round trip."""
        connection = self._open_connection()
        missing = days.days_of(rows) - self._days
        if missing:
            days.make_days(connection, missing | {day + 1 for day in missing})
            self._days |= missing
        pipeline = self._pipeline
        pipeline.execute("BEGIN")
        pipeline.execute(_BEGIN_COMMIT, astuple(proof or _NO_PROOF))
        for statement, values in rows:
            pipeline.execute(arrays.TEXTS[statement], arrays.encode(statement, values))
        mark = self._marks.write(pipeline)
        pipeline.execute("COMMIT")
        pipeline.finish()
        return mark

    def _open_connection(self) -> psycopg.Connection[Any]:
        connection = self._connection
        if connection is None or has_gone(connection):
            self._forget_connection()
            gate = self._gate
            connection = self._connect() if gate is None else gate.open(self._connect)
            self._connection, self._pipeline = connection, Pipeline(connection)
            # Another process, or a restore, may have dropped some.
            self._days = days.known_days(connection)
        return connection

    def _connect(self) -> psycopg.Connection[Any]:
        connection = commit_connection(self.url)
        try:
            self._check_place(find(connection))
        except BaseException:
            connection.close()
            raise
        return connection

    def hold(self, lease: Lease | None) -> None:
        """Whoever serves has all of its connections from the beginning, and needs no other when the server
        has none left."""
        super().hold(lease)
        if lease is not None and not self._filled:
            self._filled = True
            filling = self._committer.submit(self._open_connection), self._readers.submit(self._fill_pools)
            self._filling.extend(filling)

    def _fill_pools(self) -> None:
        """One that cannot be opened now is tried again when it is needed, and says then why not."""
        opened: list[Connection] = []
        with suppress(SQLAlchemyError, psycopg.Error):
            opened.append(self.engine.connect())
            for _number in range(READERS):
                opened.append(self._reading.connect())
        for each in opened:
            each.close()

    def _check_place(self, found: FoundDatabase) -> None:
        """Raises `StoreError` where acknowledged commits may be missing: what memory knows, and has sent, is
        newer than what would be read again."""
        if not self._found.continued_by(found):
            self._problem = (
                "a standby was promoted that may lack what was acknowledged: stop all servers of this "
                "database, then start them again"
            )
            raise StoreError(self._problem)
        self._found = found

    def _forget_connection(self) -> None:
        """Start over with the next commit, whatever state a failure has left the connection in."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _read(self, query: Callable[[Connection], T]) -> T:
        try:
            with self._transaction(self._reading) as connection:
                return query(connection)
        except StoreError as error:
            cause = error.__cause__ or error
            if not is_gone(cause) and not may_try_again(cause):
                raise
        # The server was started again since, and the pool has noticed now; or the tables were being upgraded.
        # A query changes nothing.
        with self._transaction(self._reading) as connection:
            return query(connection)

    async def probe(self) -> None:
        await self._run(self._writer, self._probe)

    def _probe(self) -> None:
        """A table of its own takes new room, which no space that is free within a table stands in for."""
        with store_errors(), self.engine.connect() as connection, connection.begin() as begun:
            table = f"veldnet_probe_{secrets.token_hex(4)}"
            connection.execute(text(f"CREATE UNLOGGED TABLE {table} (filler text)"))
            connection.execute(text(f"INSERT INTO {table} {_FILLER}"))
            begun.rollback()

    def _write(self, change: Callable[[Connection], T], proof: Proof | None) -> T:
        with store_errors(), self.engine.connect() as connection, self._begun(connection, proof) as begun:
            result = change(begun)
            raw = begun.connection.cursor()
            try:
                mark = self._marks.write(raw)
            finally:
                raw.close()
        self._marks.written(mark)
        return result

    @contextmanager
    def _begun(self, connection: Connection, proof: Proof | None) -> Iterator[Connection]:
        """A transaction with the lease proven. A connection that has gone since it was used last is replaced;
        nothing has been done on it."""
        parameters = asdict(proof or _NO_PROOF)
        try:
            transaction = connection.begin()
            connection.execute(_BEGIN_CHANGE, parameters)
        except DBAPIError as error:
            if not is_gone(error):
                raise
            transaction.close()
            transaction = connection.begin()
            connection.execute(_BEGIN_CHANGE, parameters)
        with transaction:
            yield connection

    def keep(self, change: Callable[[Connection], T]) -> T:
        try:
            return self._kept(change)
        except StoreError as error:
            if not is_gone(error.__cause__ or error):
                raise
        # The server was started again since; the connection has noticed now.
        return self._kept(change)

    def _kept(self, change: Callable[[Connection], T]) -> T:
        with self._transaction(self._keeping) as connection:
            return change(connection)

    @contextmanager
    def _transaction(self, pool: Engine) -> Iterator[Connection]:
        """A connection of a pool in a transaction. One on which the engine has failed does not go back."""
        with store_errors(), pool.connect() as connection:
            try:
                with connection.begin():
                    yield connection
            except (SQLAlchemyError, psycopg.Error):
                with suppress(SQLAlchemyError, psycopg.Error):
                    connection.invalidate()
                raise

    def dispose(self) -> None:
        """Close all connections; the next use opens others."""
        wait(self._filling)
        self._forget_connection()
        self.engine.dispose()
        self._reading.dispose()
        self._keeping.dispose()

    def _close(self) -> None:
        self.dispose()

    async def close(self) -> None:
        await self._run(self._committer, self._forget_connection)
        self._committer.shutdown(wait=False)
        await super().close()
