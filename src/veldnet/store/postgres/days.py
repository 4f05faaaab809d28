"""The journal by days: a table for each day of frames and of bodies, made before its first row comes and
dropped whole. A day is one of identifiers, which is a day of the clock as long as that was never set back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection

from veldnet.store.ids import millis_of
from veldnet.store.journal_days import DAY, first_id_of_day
from veldnet.store.rows import Row, Rows, Statement

from .definitions import LOCKS

# Tables of days begin with these.
_TABLES = {"frames": "id", "frame_bodies": "frame_id"}
_JOURNAL = {Statement.INSERT_FRAME: "id", Statement.INSERT_BODY: "frame_id"}


def day_of(identifier: int) -> int:
    """Days since 1970, by an identifier."""
    return millis_of(identifier) // DAY


def days_of(rows: Iterable[Rows]) -> set[int]:
    """The days that the rows of a commit need."""
    found: set[int] = set()
    for statement, values in rows:
        name = _JOURNAL.get(statement)
        if name is not None and values:
            found |= _spanned(values, name)
    return found


def _spanned(values: Sequence[Row], name: str) -> set[int]:
    numbers = [getattr(row, name) for row in values]
    first, last = day_of(min(numbers)), day_of(max(numbers))
    return {first} if first == last else {day_of(number) for number in numbers}


def make_days(connection: Connection[Any], days: Iterable[int]) -> None:
    """Make what is missing; the connection commits by itself. A table is made beside the journal and then
    attached, for that waits for nobody who reads."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 2)", (LOCKS,))
        for day in sorted(days):
            for table in _TABLES:
                name = f"{table}_{day}"
                found = cursor.execute("SELECT to_regclass(%s)", (name,)).fetchone()
                if found is not None and found[0] is None:
                    first, end = first_id_of_day(day), first_id_of_day(day + 1)
                    cursor.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)".encode())
                    cursor.execute(
                        f"ALTER TABLE {table} ATTACH PARTITION {name} "
                        f"FOR VALUES FROM ({first}) TO ({end})".encode()
                    )


def known_days(connection: Connection[Any]) -> set[int]:
    """The days that there are tables for, those of frames and bodies alike."""
    rows = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'frame_bodies'::regclass"
    )
    return {int(name.rpartition("_")[2]) for (name,) in rows}
