"""Whole days of the journal that go at once, where the engine keeps each in a table of its own."""

from __future__ import annotations

from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError

from .ids import first_id_at, millis_of

DAY = 86_400_000

# A reader of a day that goes holds up everybody who comes after; then it goes with the next round.
_LONGEST_WAIT = "200ms"
_IN_USE = "55P03"


def is_kept_by_days(connection: Connection, table: Table) -> bool:
    """Whether old rows of a table go by days and not one by one."""
    return connection.dialect.name == "postgresql" and bool(
        table.dialect_options["postgresql"].get("partition_by")
    )


def drop_day(connection: Connection, table: Table, before_id: int) -> int:
    """Drop the oldest day that has nothing from `before_id` on; returns how many rows it had, about, and at
    least 1. 0 where there is none, or somebody reads it."""
    last = millis_of(before_id) // DAY - 1
    oldest = connection.execute(
        text(
            "SELECT c.relname, c.reltuples FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = CAST(:parent AS regclass) "
            "AND CAST(substr(c.relname, :start) AS integer) <= :last "
            "ORDER BY CAST(substr(c.relname, :start) AS integer) LIMIT 1"
        ),
        {"parent": table.name, "start": len(table.name) + 2, "last": last},
    ).first()
    if oldest is None:
        return 0
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LONGEST_WAIT}'"))
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f'DROP TABLE "{oldest.relname}"')
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _IN_USE:
            raise
        return 0
    return max(int(oldest.reltuples), 1)


def first_id_of_day(day: int) -> int:
    """The smallest identifier of a day, in days since 1970."""
    return first_id_at(day * DAY)
