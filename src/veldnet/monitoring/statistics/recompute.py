"""Recomputes hourly totals from the frame rows and compares or replaces them (I7)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec
from sqlalchemy import Connection, delete, insert, select

from veldnet.store import HOURLY_COUNTERS, FrameRow, HourlyRow, Store, read_timeline
from veldnet.store.schema import FRAME_COLUMNS, frames, hourly_statistics

from .rollups import HOUR, HourlyTotals, Key

# A late frame may come so many hours after it was heard.
_LATEST_HOURS = 24


class Difference(msgspec.Struct, frozen=True):
    """A total that is not what the frame rows say."""

    scope: int
    scope_ref: int
    hour: int
    counter: str
    stored: int
    computed: int


def computed(connection: Connection, hour: int) -> dict[Key, HourlyRow]:
    """The totals of an hour after the frame rows. Late frames stand with the hours they came in."""
    totals = HourlyTotals()
    timeline = read_timeline(connection)
    for ids in timeline.ranges(hour * HOUR, (hour + 1) * HOUR, _LATEST_HOURS * HOUR):
        late = frames.c.at.is_not(None) & (frames.c.id >= ids.within)
        query = select(*FRAME_COLUMNS).where(
            frames.c.id >= ids.first, frames.c.id < ids.end, (frames.c.id < ids.within) | late
        )
        for row in connection.execute(query):
            totals.add(FrameRow(*row))
    return {key: total for key, total in totals.totals.items() if key.hour == hour}


def stored(connection: Connection, hour: int) -> dict[Key, HourlyRow]:
    rows = connection.execute(
        select(*(hourly_statistics.c[name] for name in HourlyRow.__struct_fields__)).where(
            hourly_statistics.c.hour == hour
        )
    )
    return {Key(row.scope, row.scope_ref, row.hour): HourlyRow(*row) for row in rows}


def differences(connection: Connection, hour: int) -> Iterator[Difference]:
    """Where stored totals of an hour and its frame rows disagree."""
    found, wanted = stored(connection, hour), computed(connection, hour)
    for key in sorted(found.keys() | wanted.keys()):
        nothing = HourlyRow(*key)
        have, want = found.get(key, nothing), wanted.get(key, nothing)
        for name in HOURLY_COUNTERS:
            if getattr(have, name) != getattr(want, name):
                yield Difference(*key, name, getattr(have, name), getattr(want, name))


def replace_hour(connection: Connection, hour: int) -> int:
    """Put the totals of the frame rows in place of those stored; returns how many rows there are now."""
    totals = computed(connection, hour)
    connection.execute(delete(hourly_statistics).where(hourly_statistics.c.hour == hour))
    rows = [msgspec.structs.asdict(total) for total in totals.values()]
    if rows:
        connection.execute(insert(hourly_statistics), rows)
    return len(rows)


async def recompute(store: Store, hour: int) -> tuple[list[Difference], int]:
    """Compare an hour, then replace its totals in one transaction."""
    found = await store.read(lambda connection: list(differences(connection, hour)))
    return found, await store.write(partial(_replace, hour))


def _replace(hour: int, connection: Connection) -> int:
    return replace_hour(connection, hour)
