"""Devices and the base stations that hear them.

A base station reaches a device dependably where it has heard a tenth of what the best one has, of late above
all, at least 5 dB above what the slowest data rate needs.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection, Subquery, case, func, select

from veldnet.domain.resources import timestamp
from veldnet.monitoring.logger.search import Whose
from veldnet.store.schema import devices, hearing, subscribers

# Of what the best base station hears, and dB.
LEAST_SHARE, LEAST_MARGIN = 0.1, 5.0
_MOST_STATIONS = 100


class DeviceStation(msgspec.Struct):
    """A base station that hears a device: the share of its frames, of late above all, against the base
    station that hears most; the mean margin above what the slowest data rate needs, in dB; and whether it
    alone would do."""

    id: str
    frames: int
    share: float
    margin: float | None
    dependable: bool
    lastHeard: str


class DependentDevice(msgspec.Struct):
    """A device that goes dark with a base station. `risk` is `only` where no other hears it, `weak` where
    others do too seldom or too faintly; `otherMargin` is the best of theirs in dB."""

    ref: str
    eui: str
    name: str
    customerId: str
    latitude: float | None
    longitude: float | None
    risk: Literal["only", "weak"]
    margin: float | None
    others: int
    otherMargin: float | None
    lastHeard: str


class DependentPage(msgspec.Struct):
    """Devices by their refs; `next` is `after` of the next page, null at the end."""

    devices: list[DependentDevice]
    next: str | None


def stations_of_device(connection: Connection, device_ref: int) -> list[DeviceStation]:
    """The base stations that hear a device, those that hear most first."""
    columns = hearing.c
    rows = connection.execute(
        select(*columns)
        .where(columns.device_ref == device_ref)
        .order_by(columns.weight.desc())
        .limit(_MOST_STATIONS)
    ).all()
    most = rows[0].weight if rows else 1.0
    return [
        DeviceStation(
            f"{row.base_station:08X}",
            row.frames,
            round(row.weight / most, 4),
            _rounded(row.margin),
            row.weight >= LEAST_SHARE * most and (row.margin is None or row.margin >= LEAST_MARGIN),
            timestamp(row.last_at),
        )
        for row in rows
    ]


def _alone(operator_ref: int, station: int, after: int, limit: int) -> Subquery:
    """The devices of an operator that go dark if a base station fails."""
    mine, other = hearing.alias("mine"), hearing.alias("other")
    own = select(subscribers.c.ref).where(subscribers.c.operator_ref == operator_ref)
    enough = func.coalesce(other.c.margin, LEAST_MARGIN) >= LEAST_MARGIN
    best = func.coalesce(func.max(case((enough, other.c.weight))), 0.0)
    most = func.coalesce(func.max(other.c.weight), 0.0)
    alone = (best < LEAST_SHARE * mine.c.weight) | (best < LEAST_SHARE * most)
    return (
        select(
            mine.c.device_ref,
            mine.c.margin,
            mine.c.last_at,
            func.count(other.c.base_station).label("others"),
            func.max(other.c.margin).label("other_margin"),
        )
        .select_from(mine)
        .join(
            other,
            (other.c.device_ref == mine.c.device_ref) & (other.c.base_station != station),
            isouter=True,
        )
        .where(mine.c.base_station == station, mine.c.device_ref > after, mine.c.subscriber_ref.in_(own))
        .group_by(mine.c.device_ref, mine.c.margin, mine.c.last_at, mine.c.weight)
        .having(alone)
        .order_by(mine.c.device_ref)
        .limit(limit)
        .subquery()
    )


def dependents(
    connection: Connection, whose: Whose, station: int, after: int = 0, limit: int = 100
) -> DependentPage:
    """The devices that go dark if a base station fails, in the order of their refs."""
    pairs = _alone(whose.operator_ref, station, after, limit + 1)
    rows = connection.execute(
        select(
            *pairs.c,
            devices.c.dev_eui,
            devices.c.name,
            devices.c.latitude,
            devices.c.longitude,
            subscribers.c.customer_id,
        )
        .join(devices, devices.c.ref == pairs.c.device_ref)
        .join(subscribers, subscribers.c.ref == devices.c.subscriber_ref)
        .order_by(pairs.c.device_ref)
    ).all()
    listed = [
        DependentDevice(
            str(row.device_ref),
            row.dev_eui,
            row.name,
            row.customer_id,
            row.latitude,
            row.longitude,
            "weak" if row.others else "only",
            _rounded(row.margin),
            row.others,
            _rounded(row.other_margin),
            timestamp(row.last_at),
        )
        for row in rows[:limit]
    ]
    return DependentPage(listed, listed[-1].ref if len(rows) > limit else None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
