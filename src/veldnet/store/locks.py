"""Locks for changes that first look and then write: a limit, a number behind the highest, a flag that one row
has. SQLite has one writer, which holds the whole database from the beginning of its transaction; in
PostgreSQL others go on, and only those that ask for the same lock wait until the transaction ends."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select, text


def lock_row(connection: Connection, table: Table, ref: int) -> None:
    """Be the only writer of what belongs to a row with a `ref`, such as a subscriber's decoders. Who refers
    to the row goes on."""
    if connection.dialect.name == "postgresql":
        row = select(table.c.ref).where(table.c.ref == ref)
        connection.execute(row.with_for_update(key_share=True))


def lock_table(connection: Connection, table: Table) -> None:
    """Be the only writer of a table that few write to; it can be read all the time."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f'LOCK TABLE "{table.name}" IN SHARE ROW EXCLUSIVE MODE'))
