"""`Store` over PostgreSQL.

A commit goes to the server as one batch and comes back as one answer: the proof of the lease, the rows, the
marks and the COMMIT. Changes of management exclude each other and commits, as in SQLite; commits of several
processes go side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from veldnet.store.engine_store import EngineStore, executor
from veldnet.store.interface import StoreError
from veldnet.store.marks import Mark
from veldnet.store.migrating import current_revision
from veldnet.store.moment import tell_time
from veldnet.store.rows import Rows

from . import arrays, days
from .address import parse_url, shown
from .connecting import READERS, WRITERS, check_server, commit_connection, engine, has_gone
from .creating import bring_to_head
from .errors import is_gone, may_try_again, store_errors
from .ordered import in_order

T = TypeVar("T")

# Of a commit that another writer was in the way of.
_ATTEMPTS = 3


class PostgresStore(EngineStore):
    """`Store` over the database that a URL names. Raises `StoreError` where that cannot be used. `inline`
    runs everything in the calling thread; `clock` dates what management writes."""

    def __init__(self, url: str, *, inline: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.url: URL = parse_url(url)
        self._found = check_server(self.url)
        self._reading: Engine = engine(self.url, size=READERS, reading=True)
        super().__init__(engine(self.url, size=WRITERS), mark="%s", inline=inline, clock=clock)
        self._committer: Executor = executor(inline, 1, "committer")
        self._connection: psycopg.Connection[Any] | None = None
        self._days: set[int] = set()

    def go_by(self, clock: Callable[[], float]) -> None:
        super().go_by(clock)
        tell_time(self._reading, clock)

    @property
    def name(self) -> str:
        return shown(self.url)

    @property
    def identity(self) -> tuple[int, int]:
        return 0, self._found.number

    @property
    def place(self) -> str:
        return self._found.place

    def revision(self) -> str | None:
        with store_errors():
            return current_revision(self.engine)

    def migrate(self) -> bool:
        with store_errors():
            return bring_to_head(self.engine)

    async def commit(self, rows: Iterable[Rows]) -> None:
        await self._run(self._committer, self._commit, rows)

    def _commit(self, rows: Iterable[Rows]) -> None:
        ordered = [(statement, in_order(statement, values)) for statement, values in rows if values]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with store_errors():
                    mark = self._write_rows(ordered)
                    break
            except StoreError as error:
                self._forget_connection()
                if attempt == _ATTEMPTS or not may_try_again(error.__cause__ or error):
                    raise
            except BaseException:
                self._forget_connection()
                raise
        self._marks.written(mark)

    def _write_rows(self, rows: list[Rows]) -> Mark:
        """One round trip."""
        connection = self._open_connection()
        missing = days.days_of(rows) - self._days
        if missing:
            days.make_days(connection, missing | {day + 1 for day in missing})
            self._days |= missing
        with connection.pipeline(), connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT veldnet_begin_commit(%s, %s)", self._proof(), prepare=True)
            for statement, values in rows:
                cursor.execute(
                    arrays.TEXTS[statement].encode(), arrays.encode(statement, values), prepare=True
                )
            mark = self._marks.write(cursor)
            cursor.execute("COMMIT")
        return mark

    def _open_connection(self) -> psycopg.Connection[Any]:
        connection = self._connection
        if connection is None or has_gone(connection):
            self._forget_connection()
            connection = self._connection = commit_connection(self.url)
            arrays.register(connection)
            # Another process, or a restore, may have dropped some.
            self._days = days.known_days(connection)
        return connection

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
            if not is_gone(error.__cause__ or error):
                raise
        # The server was started again since; the pool has noticed now. A query changes nothing.
        with self._transaction(self._reading) as connection:
            return query(connection)

    def _write(self, change: Callable[[Connection], T]) -> T:
        with store_errors(), self.engine.connect() as connection, self._begun(connection) as begun:
            result = change(begun)
            raw = begun.connection.cursor()
            try:
                mark = self._marks.write(raw)
            finally:
                raw.close()
        self._marks.written(mark)
        return result

    def _proof(self) -> tuple[str | None, int | None]:
        """What is held, for the functions that prove it."""
        lease = self._lease
        return (None, None) if lease is None else (lease.owner, lease.total)

    @contextmanager
    def _begun(self, connection: Connection) -> Iterator[Connection]:
        """A transaction with the lease proven. A connection that has gone since it was used last is replaced;
        nothing has been done on it."""
        begin = text("SELECT veldnet_begin_change(:holder, :epochs)")
        parameters = dict(zip(("holder", "epochs"), self._proof(), strict=True))
        try:
            transaction = connection.begin()
            connection.execute(begin, parameters)
        except DBAPIError as error:
            if not is_gone(error):
                raise
            transaction.close()
            transaction = connection.begin()
            connection.execute(begin, parameters)
        with transaction:
            yield connection

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
        self._forget_connection()
        self.engine.dispose()
        self._reading.dispose()

    def _close(self) -> None:
        self.dispose()

    async def close(self) -> None:
        await self._run(self._committer, self._forget_connection)
        self._committer.shutdown(wait=False)
        await super().close()
