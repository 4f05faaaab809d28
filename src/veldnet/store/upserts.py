"""Rows that may be there already: written in one statement, so that two writers do not come between each
other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from .prepared import Prepared


def _insert(dialect: str, table: Table) -> Any:
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


@cache
def _put(
    dialect: str, table: Table, given: tuple[str, ...], key: tuple[str, ...], kept: tuple[str, ...]
) -> Any:
    statement = _insert(dialect, table)
    others = {name: statement.excluded[name] for name in given if name not in (*key, *kept)}
    if not others:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(index_elements=key, set_=others)


def put(
    connection: Connection,
    table: Table,
    values: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    key: tuple[str, ...] | None = None,
    *,
    kept: tuple[str, ...] = (),
) -> None:
    """Write a row, or several with the same columns, in place of those with the same key if there are any.
    The key is the primary one, or names other columns that are unique. Columns that are `kept` stay as they
    were in a row that was there."""
    rows = [values] if isinstance(values, Mapping) else list(values)
    if rows:
        columns = key or tuple(column.name for column in table.primary_key)
        connection.execute(_put(connection.dialect.name, table, tuple(rows[0]), columns, kept), rows)


def put_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same for many rows by their primary keys, each once, in few statements: with what it returns a
    statement takes many rows, and triggers that PostgreSQL has for each statement run less often."""
    if rows:
        key = tuple(column.name for column in table.primary_key)
        statement = _put(connection.dialect.name, table, tuple(rows[0]), key, ())
        connection.execute(statement.returning(*table.primary_key), list(rows)).close()


@cache
def _insert_new(dialect: str, table: Table, key: tuple[str, ...]) -> Any:
    statement = _insert(dialect, table).on_conflict_do_nothing(index_elements=key)
    return statement.returning(*(table.c[name] for name in key), *table.primary_key)


@cache
def _insert_one_new(dialect: str, table: Table, key: tuple[str, ...]) -> Prepared:
    return Prepared(_insert_new(dialect, table, key))


def insert_new(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: tuple[str, ...]
) -> dict[Any, int]:
    """Insert rows with the same columns, but for those that have the values of another in columns that are
    unique. Returns the numbers of those that were inserted, by their value in the last of these columns. The
    transaction goes on either way."""
    if not rows:
        return {}
    (number,) = table.primary_key
    if len(rows) == 1:
        found = _insert_one_new(connection.dialect.name, table, key).write_one(connection, rows[0])
        return {getattr(row, key[-1]): getattr(row, number.name) for row in found}
    written = connection.execute(_insert_new(connection.dialect.name, table, key), list(rows))
    return {row[key[-1]]: row[number.name] for row in written.mappings()}
