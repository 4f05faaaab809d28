"""What was measured at base stations by hours, and when they were away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Connection, delete, insert, select, text, tuple_

from .schema import base_station_hours, base_station_outages


class StationHourRow(msgspec.Struct, frozen=True, gc=False):
    """An hour since 1970 of a base station: milliseconds for which it was watched, and of these away; and
    what was measured."""

    base_station: int
    hour: int
    observed: int
    down: int
    measures: bytes


class OutageRow(msgspec.Struct, frozen=True, gc=False):
    """When a base station was away, in Unix milliseconds; `ended_at` is None while it is."""

    base_station: int
    began_at: int
    ended_at: int | None


_PUT_OUTAGE = text(
    "INSERT INTO base_station_outages (base_station, began_at, ended_at) "
    "VALUES (:base_station, :began_at, :ended_at) "
    "ON CONFLICT (base_station, began_at) DO UPDATE SET ended_at = excluded.ended_at"
)


def read_hours(connection: Connection, keys: Sequence[tuple[int, int]]) -> list[StationHourRow]:
    """The hours of these base stations, as far as there are any."""
    columns = base_station_hours.c
    rows = connection.execute(select(*columns).where(tuple_(columns.base_station, columns.hour).in_(keys)))
    return [StationHourRow(*row) for row in rows]


def put_hours(connection: Connection, rows: Sequence[StationHourRow]) -> None:
    """Put hours in place of those before."""
    if rows:
        columns = base_station_hours.c
        keys = [(row.base_station, row.hour) for row in rows]
        connection.execute(
            delete(base_station_hours).where(tuple_(columns.base_station, columns.hour).in_(keys))
        )
        connection.execute(insert(base_station_hours), [asdict(row) for row in rows])


def put_outages(connection: Connection, rows: Iterable[OutageRow]) -> None:
    """Note outages, and the ends of those noted before."""
    values = [asdict(row) for row in rows]
    if values:
        connection.execute(_PUT_OUTAGE, values)


def open_outages(connection: Connection) -> dict[int, int]:
    """Since when base stations are away."""
    columns = base_station_outages.c
    rows = connection.execute(
        select(columns.base_station, columns.began_at).where(columns.ended_at.is_(None))
    )
    return {row.base_station: row.began_at for row in rows}
