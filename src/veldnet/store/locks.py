"""Locks for changes that first look and then write: a limit, a number behind the highest, a flag that one row
has. SQLite has one writer, which holds the whole database from the beginning of its transaction; in
PostgreSQL others go on, and only those that ask for the same lock wait until the transaction ends."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select, text

# Of the writers of a process, by its number, among the advisory locks of the database.
FENCE = 0x56454C45
_ATTEMPTS, _PAUSE = 25, 0.02


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


def fence(connection: Connection, process: int) -> None:
    """Have no transaction of a process under way that has proven its lease, until this one ends. Those of one
    that hangs are ended."""
    if connection.dialect.name != "postgresql":
        return
    number = {"fence": FENCE, "process": process}
    alone = text("SELECT pg_try_advisory_xact_lock(:fence, :process)")
    for _ in range(_ATTEMPTS):
        if connection.execute(alone, number).scalar_one():
            return
        connection.execute(text("SELECT pg_sleep(:pause)"), {"pause": _PAUSE})
    connection.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND classid = :fence AND objid = :process AND pid <> pg_backend_pid()"
        ),
        number,
    )
    connection.execute(text("SELECT pg_advisory_xact_lock(:fence, :process)"), number)
