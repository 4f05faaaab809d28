"""Takes a SQLite database over into an empty one of PostgreSQL, and proves that nothing is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Table, func, select, text

from veldnet.store.digests import MovedTable, TableDigest, digest_of, pieces
from veldnet.store.interface import StoreError
from veldnet.store.schema import (
    device_areas,
    device_cells,
    device_counts,
    device_list_counts,
    device_number_bounds,
    device_text_bounds,
    frame_bodies,
    frames,
    metadata,
    properties,
)
from veldnet.store.sqlite import SqliteStore

from . import days
from .connecting import commit_connection
from .errors import store_errors
from .store import PostgresStore
from .texts import storable

# Triggers fill them as devices come.
_COUNTED = (device_counts, device_cells, device_areas, device_list_counts)
# Bounds of the blocks of lists are made in the background, by how many devices each has come to have.
_BOUNDS = (device_text_bounds, device_number_bounds)
_JOURNAL = {frames: "id", frame_bodies: "frame_id"}
# Of the place where a database is, of the server on it, and of an index that SQLite alone has.
_LEFT_BEHIND = ("server", "place", "finished", "device_names_until")


# Called with the name of a table and the number of its rows that are there.
Show = Callable[[str, int], None]


def move(source: Path, url: str, show: Show) -> list[MovedTable]:
    """Copy all rows of a SQLite file, which nobody else has open, in one transaction. Raises `StoreError`
    where a row did not arrive as it was; then nothing of it is there."""
    old, new = SqliteStore(source, inline=True), PostgresStore(url, inline=True)
    try:
        with (
            store_errors(),
            old.engine.connect() as reading,
            commit_connection(new.url) as beside,
            new.engine.begin() as writing,
        ):
            moved = []
            for table in metadata.sorted_tables:
                if table not in _COUNTED + _BOUNDS:
                    moved.append(_move_table(reading, writing, beside, table, show))
            moved += [_compare_counts(reading, writing, table) for table in _COUNTED]
            _set_sequences(reading, writing)
            return moved
    finally:
        old.dispose()
        new.dispose()


def _move_table(
    reading: Connection, writing: Connection, beside: psycopg.Connection[Any], table: Table, show: Show
) -> MovedTable:
    if table is properties:
        writing.execute(properties.delete())
    sent = TableDigest()
    quote = writing.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    raw: Any = writing.connection.driver_connection
    for rows in _storable_pieces(reading, table):
        number = _JOURNAL.get(table)
        if number is not None:
            position = [column.name for column in table.columns].index(number)
            wanted = {days.day_of(row[position]) for row in rows}
            days.make_days(beside, wanted - days.known_days(beside))
        with raw.cursor() as cursor, cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        sent.add(rows)
        show(table.name, sent.rows)
    arrived = digest_of(writing, table)
    if arrived != sent:
        raise StoreError(
            f"table {table.name} has {arrived.rows} rows with the digest {arrived} after the copy, and had "
            f"{sent.rows} with {sent}; nothing was changed"
        )
    return MovedTable(table.name, sent.rows, str(sent))


def _storable_pieces(reading: Connection, table: Table) -> Iterator[list[Sequence[Any]]]:
    for rows in pieces(reading, table):
        if table is properties:
            rows = [(name, value) for name, value in rows if name not in _LEFT_BEHIND]
        if rows:
            yield [tuple(map(_storable, row)) for row in rows]


def _storable(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _compare_counts(reading: Connection, writing: Connection, table: Table) -> MovedTable:
    """Counts may be in other parts and blocks on each side; their sums are the same."""
    key = [column for column in table.primary_key if column.name not in ("part", "block")]
    total = func.sum(table.c.devices)
    sums = select(*key, total).group_by(*key).having(total != 0)

    def digest(rows: Sequence[Any]) -> TableDigest:
        found = TableDigest()
        found.add([tuple(map(int, row)) for row in rows])
        return found

    before, after = digest(reading.execute(sums).all()), digest(writing.execute(sums).all())
    if before != after:
        raise StoreError(f"the counts of table {table.name} are others after the copy; nothing was changed")
    return MovedTable(table.name, after.rows, str(after))


def _set_sequences(reading: Connection, writing: Connection) -> None:
    """Numbers that were given once are not given again, also where their rows are gone."""
    known = {table.name: table for table in metadata.sorted_tables}
    for name, last in reading.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all():
        table = known.get(name)
        if table is None or not last:
            continue
        (column,) = table.primary_key
        writing.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
            {"table": name, "column": column.name, "last": last},
        )
