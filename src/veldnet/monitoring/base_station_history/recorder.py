"""Writes down, every minute, what was measured at base stations, and when they were away.

Nothing is written with a frame. A base station that says nothing for as long as raises alarm 102 is away,
since it was heard last; while this server does not run nothing is known, and nothing counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec
from sqlalchemy import Connection

from veldnet.lorawan import BaseStationId
from veldnet.store import Store
from veldnet.store.base_station_history import (
    OutageRow,
    StationHourRow,
    open_outages,
    put_hours,
    put_outages,
    read_hours,
)

from .hours import Hour, Measures, decode_measures, encode_measures

HOUR = 3_600_000
# Rows of a transaction: frames wait for the writer.
_PIECE = 200

Key = tuple[int, int]


class Look(msgspec.Struct, frozen=True):
    """A base station at one moment, with what was measured since the last one. Times in Unix seconds:
    `seen_at` is when it said something last, `up_since` since when without a break, `breaks` the breaks since
    the last look."""

    seen_at: float
    up_since: float
    breaks: Sequence[tuple[float, float]]
    measures: Measures


class Recorder:
    """`silence` is the number of seconds without a message after which a base station is away."""

    def __init__(self, store: Store, clock: Callable[[], float], silence: float) -> None:
        self._store = store
        self._clock = clock
        self._silence = round(silence * 1000)
        self._last = 0
        # Since when each is away, and until when that is counted.
        self._away: dict[int, int] = {}
        self._counted: dict[int, int] = {}
        # What is not in the store yet.
        self._hours: dict[Key, Hour] = {}
        self._outages: dict[Key, OutageRow] = {}

    async def start(self) -> None:
        """Take up which base stations were away when an earlier process ended."""
        self._last = self._now()
        self._away = await self._store.read(open_outages)
        self._counted = dict.fromkeys(self._away, self._last)

    def _now(self) -> int:
        return round(self._clock() * 1000)

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds: it is as long since the last look as it was. An outage
        keeps the beginning by which it is known."""
        millis = round(by * 1000)
        self._last += millis
        self._counted = {station: until + millis for station, until in self._counted.items()}

    async def look(self, stations: Mapping[BaseStationId, Look]) -> None:
        """Take up all base stations that have ever been heard. What cannot be written is kept for the next
        time."""
        now = self._now()
        for identifier, look in stations.items():
            self._take(int(identifier), look, now)
        self._last = now
        for station in self._away.keys() - {int(identifier) for identifier in stations}:
            # It was removed.
            self._end(station, now)
        await self._write()

    async def measured(self, stations: Mapping[BaseStationId, Measures]) -> None:
        """Add what was measured, without a judgement of who was away: another node has that."""
        now = self._now()
        for identifier, measures in stations.items():
            self._hour(int(identifier), max(now - 1, 0) // HOUR).measures.add(measures)
        await self._write()

    def _take(self, station: int, look: Look, now: int) -> None:
        self._hour(station, max(now - 1, 0) // HOUR).measures.add(look.measures)
        for hour, part in _hours(self._last, now):
            self._hour(station, hour).observed += part
        for begin, end in look.breaks:
            self._silent(station, round(begin * 1000), round(end * 1000))
        seen_at = round(look.seen_at * 1000)
        if now - seen_at >= self._silence:
            self._begin(station, seen_at)
            self._count(station, now)
        elif station in self._away:
            back = round(look.up_since * 1000)
            self._end(station, back if back > self._away[station] else seen_at)

    def _silent(self, station: int, begin: int, end: int) -> None:
        """It was silent for a while, and is there again."""
        if station in self._away or end - begin >= self._silence:
            self._begin(station, begin)
            self._end(station, end)

    def _begin(self, station: int, at: int) -> None:
        if station not in self._away:
            self._away[station] = self._counted[station] = at
            self._outages[(station, at)] = OutageRow(station, at, None)

    def _count(self, station: int, until: int) -> None:
        for hour, part in _hours(self._counted[station], until):
            self._hour(station, hour).down += part
        self._counted[station] = max(self._counted[station], until)

    def _end(self, station: int, at: int) -> None:
        self._count(station, at)
        del self._counted[station]
        began = self._away.pop(station)
        self._outages[(station, began)] = OutageRow(station, began, max(at, began))

    def _hour(self, station: int, hour: int) -> Hour:
        found = self._hours.get((station, hour))
        if found is None:
            found = self._hours[(station, hour)] = Hour()
        return found

    async def _write(self) -> None:
        outages = list(self._outages.values())
        if outages:
            await self._store.write(lambda connection: put_outages(connection, outages))
            self._outages.clear()
        while self._hours:
            keys = list(self._hours)[:_PIECE]
            piece = {key: self._hours[key] for key in keys}
            await self._store.write(partial(_add, piece))
            for key in keys:
                del self._hours[key]


def _hours(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The hours of a time, and the milliseconds of it in each."""
    while begin < end:
        until = min((begin // HOUR + 1) * HOUR, end)
        yield begin // HOUR, until - begin
        begin = until


def _add(hours: dict[Key, Hour], connection: Connection) -> None:
    before = {(row.base_station, row.hour): row for row in read_hours(connection, list(hours))}
    rows = []
    for key, more in hours.items():
        row = before.get(key)
        total = Hour() if row is None else Hour(row.observed, row.down, decode_measures(row.measures))
        total.add(more)
        rows.append(StationHourRow(*key, total.observed, total.down, encode_measures(total.measures)))
    put_hours(connection, rows)
