"""The history of a base station as the API and the command line show it."""

from __future__ import annotations

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Connection, func, select

from veldnet.domain.resources import timestamp
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.monitoring.statistics.rollups import BASE_STATION, HOUR
from veldnet.monitoring.statistics.totals import Totals, empty_totals, of_scope
from veldnet.store.expressions import total
from veldnet.store.schema import base_station_hours, base_station_outages

from .hours import KEPT_DAYS, Hour, Spread, decode_measures

_DAY = 86_400_000


class StationSlot(Totals):
    """Frames of a base station in a slot, and what was measured at it, which is kept for 35 days. `connected`
    is the share of the watched time for which it was there. `packets`, of which `badPackets` had a wrong CRC,
    and `acknowledged`, the share of its messages that we acknowledged, are of its status reports. `downlinks`
    counts attempts by result: SENT, NO_ANSWER, BUSY (with another frame), DUTY_CYCLE (used up), or the error
    it answered. `dutyCycle` is the highest share of an hour on air by sub-band. Round trips in seconds;
    `clockOffset` is how many seconds its GPS time is ahead of ours, frames' way to us taken for part of it;
    temperatures in degrees Celsius."""

    connected: float | None
    watched: float
    packets: int
    badPackets: int
    forwardedPackets: int
    acknowledged: float | None
    downlinks: dict[str, int]
    dutyCycle: dict[str, float]
    roundTrip: float | None
    roundTripMax: float | None
    clockOffset: float | None
    clockOffsetMin: float | None
    clockOffsetMax: float | None
    temperature: float | None
    temperatureMin: float | None
    temperatureMax: float | None
    restarts: int


class AvailabilityDay(msgspec.Struct):
    """A day in UTC: seconds for which the base station was watched, and the share for which it was there."""

    date: str
    watched: float
    connected: float | None
    outages: int


class Availability(msgspec.Struct):
    """How long a base station was there: of all days, each day, and since when it is away if it is."""

    connected: float | None
    watched: float
    outages: int
    awaySince: str | None
    days: list[AvailabilityDay]


class Outage(msgspec.Struct):
    """A time for which a base station was away; without an end while it is. `seconds` until its end, or until
    now."""

    began: str
    ended: str | None
    seconds: float


class OutagePage(msgspec.Struct):
    """A page of outages, the last first."""

    outages: list[Outage]
    total: int


def _slots(connection: Connection, station: int, span: Span, hours: int) -> dict[int, Hour]:
    columns = base_station_hours.c
    rows = connection.execute(
        select(*columns).where(
            columns.base_station == station,
            columns.hour >= span.start // HOUR,
            columns.hour < -(-span.end // HOUR),
        )
    )
    found: dict[int, Hour] = {}
    for row in rows:
        slot = row.hour // hours * hours
        found.setdefault(slot, Hour()).add(Hour(row.observed, row.down, decode_measures(row.measures)))
    return found


def station_slots(connection: Connection, station: int, span: Span, hours: int) -> list[StationSlot]:
    """All that is counted and measured at a base station, by slots of hours."""
    totals = {each.date: each for each in of_scope(connection, BASE_STATION, station, span, hours)}
    measured = {
        timestamp(slot * HOUR): hour for slot, hour in _slots(connection, station, span, hours).items()
    }
    return [
        _slot(totals.get(date) or empty_totals(date), measured.get(date) or Hour())
        for date in sorted(totals.keys() | measured.keys())
    ]


def _slot(totals: Totals, hour: Hour) -> StationSlot:
    measures = hour.measures
    return StationSlot(
        **asdict(totals),
        connected=_round(hour.connected),
        watched=hour.observed / 1000,
        packets=measures.packets,
        badPackets=measures.bad_packets,
        forwardedPackets=measures.forwarded,
        acknowledged=_round(measures.acknowledged.mean),
        downlinks=measures.downlinks,
        dutyCycle={band: round(share, 6) for band, share in measures.duty_cycle.items()},
        roundTrip=_round(measures.round_trip.mean),
        roundTripMax=_highest(measures.round_trip),
        clockOffset=_round(measures.clock_offset.mean),
        clockOffsetMin=_lowest(measures.clock_offset),
        clockOffsetMax=_highest(measures.clock_offset),
        temperature=_round(measures.temperature.mean),
        temperatureMin=_lowest(measures.temperature),
        temperatureMax=_highest(measures.temperature),
        restarts=measures.restarts,
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _lowest(spread: Spread) -> float | None:
    return round(spread.lowest, 6) if spread.count else None


def _highest(spread: Spread) -> float | None:
    return round(spread.highest, 6) if spread.count else None


def availability(connection: Connection, station: int, now: int, days: int = KEPT_DAYS) -> Availability:
    """How long a base station was there on each of the last days, today among them."""
    today = now // _DAY
    first = today - days + 1
    found = _slots(connection, station, Span(first * _DAY, (today + 1) * _DAY), 24)
    columns = base_station_outages.c
    day = (columns.began_at // _DAY).label("day")
    counts = {
        row.day: row.outages
        for row in connection.execute(
            select(day, func.count().label("outages"))
            .where(columns.base_station == station, columns.began_at >= first * _DAY)
            .group_by(day)
        )
    }
    away = connection.execute(
        select(columns.began_at).where(columns.base_station == station, columns.ended_at.is_(None))
    ).scalar()
    total = Hour()
    listed = []
    for number in range(first, today + 1):
        hour = found.get(number * 24) or Hour()
        total.observed += hour.observed
        total.down += hour.down
        listed.append(
            AvailabilityDay(
                timestamp(number * _DAY),
                hour.observed / 1000,
                _round(hour.connected),
                counts.get(number, 0),
            )
        )
    return Availability(
        connected=_round(total.connected),
        watched=total.observed / 1000,
        outages=sum(counts.values()),
        awaySince=None if away is None else timestamp(away),
        days=listed,
    )


def list_outages(connection: Connection, station: int, now: int, page: int, size: int) -> OutagePage:
    """When a base station was away, the last time first."""
    columns = base_station_outages.c
    mine = columns.base_station == station
    total = connection.execute(
        select(func.count()).select_from(base_station_outages).where(mine)
    ).scalar_one()
    rows = connection.execute(
        select(columns.began_at, columns.ended_at)
        .where(mine)
        .order_by(columns.began_at.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    return OutagePage(
        [
            Outage(
                timestamp(row.began_at),
                None if row.ended_at is None else timestamp(row.ended_at),
                ((now if row.ended_at is None else row.ended_at) - row.began_at) / 1000,
            )
            for row in rows
        ],
        int(total),
    )


def shares(connection: Connection) -> dict[int, float]:
    """The share of the time for which each base station was there, as far back as that is kept."""
    columns = base_station_hours.c
    rows = connection.execute(
        select(
            columns.base_station,
            total(columns.observed).label("observed"),
            total(columns.down).label("down"),
        ).group_by(columns.base_station)
    )
    found = {row.base_station: Hour(row.observed, row.down).connected for row in rows}
    return {station: round(share, 6) for station, share in found.items() if share is not None}
