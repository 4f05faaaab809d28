"""A database of a PostgreSQL server, which others make and back up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, text

from veldnet.store.properties import read_property, write_property
from veldnet.store.schema import properties

from .address import parse_url, shown
from .connecting import commit_connection
from .days import day_of, make_days
from .errors import store_errors
from .store import PostgresStore

# Set once an installation is whole, with its keys.
_FINISHED = "finished"


class PostgresDatabase:
    """`Database` that a URL names. Raises `StoreError` where the URL is none."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = shown(parse_url(url))

    @contextmanager
    def _opened(self) -> Iterator[PostgresStore]:
        store = PostgresStore(self._url, inline=True)
        try:
            with store_errors():
                yield store
        finally:
            store.dispose()

    def exists(self) -> bool:
        with self._opened() as store:
            if store.revision() is None:
                return False
            with store.engine.connect() as connection:
                return read_property(connection, _FINISHED) is not None

    def unwritable(self) -> str | None:
        """Missing rights are told by whoever opens it."""
        return None

    def size(self) -> int:
        with self._opened() as store, store.engine.connect() as connection:
            return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    @contextmanager
    def bulk_load(self, ids: range) -> Iterator[Connection]:
        with commit_connection(parse_url(self._url)) as beside:
            make_days(beside, range(day_of(ids[0]), day_of(ids[-1]) + 1))
        with self._opened() as store, store.engine.begin() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            yield connection

    def begin(self, *, inline: bool = False) -> PostgresStore:
        store = PostgresStore(self._url, inline=inline)
        try:
            store.migrate()
            with store_errors(), store.engine.begin() as connection:
                connection.execute(delete(properties))
        except BaseException:
            store.dispose()
            raise
        return store

    def finish(self) -> None:
        with self._opened() as store, store.engine.begin() as connection:
            write_property(connection, _FINISHED, "1")

    def open(self, *, inline: bool = False, clock: Callable[[], float] = time.time) -> PostgresStore:
        return PostgresStore(self._url, inline=inline, clock=clock)
