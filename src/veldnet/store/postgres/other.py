"""Reads the database of another program as it was at one moment. Nothing of it is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.engine import URL

from veldnet.store.interface import StoreError

from .address import parse_url, shown
from .connecting import other_engine
from .errors import store_errors

_COLUMNS = text(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
)
# Of primary keys there is no table that they refer to.
_KEYS = text(
    "SELECT own.relname, coalesce(referred.relname, own.relname) FROM pg_constraint "
    "JOIN pg_class own ON own.oid = conrelid LEFT JOIN pg_class referred ON referred.oid = confrelid "
    "WHERE contype IN ('p', 'f') AND connamespace = current_schema()::regnamespace"
)


class OtherDatabase:
    """An open database of another program. Errors while rows are read are those of a store."""

    def __init__(self, connection: Connection, url: URL) -> None:
        self.connection = connection
        self.name = shown(url)

    @property
    def columns(self) -> Mapping[str, frozenset[str]]:
        """The columns of each table."""
        return self._named(_COLUMNS)

    @property
    def keys(self) -> Mapping[str, frozenset[str]]:
        """The tables that each table refers to, with itself where it has a primary key."""
        return self._named(_KEYS)

    def _named(self, query: TextClause) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        with store_errors():
            for table, name in self.connection.execute(query):
                found.setdefault(table, set()).add(name)
        return {table: frozenset(names) for table, names in found.items()}


@contextmanager
def other_database(url: str) -> Iterator[OtherDatabase]:
    """Raises `StoreError`, which does not show the password."""
    parsed = parse_url(url)
    engine = other_engine(parsed)
    try:
        with store_errors():
            connection = engine.connect()
        try:
            connection = connection.execution_options(postgresql_readonly=True, stream_results=True)
            with store_errors():
                yield OtherDatabase(connection, parsed)
        finally:
            connection.close()
    except StoreError as error:
        raise StoreError(f"{shown(parsed)}: {error}") from None
    finally:
        engine.dispose()
