"""Totals of a fleet, plan, base station or device by slots of hours, with all that is counted."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select

from veldnet.domain.resources import timestamp
from veldnet.store import HOURLY_COUNTERS, FrameRow, HourlyRow, id_within, read_timeline
from veldnet.store.expressions import total
from veldnet.store.schema import FRAME_COLUMNS, frames, hourly_statistics

from .frame_statistics import Span
from .rollups import HOUR, SUBSCRIBER, totals_of

_LATEST = 86_400_000


class Totals(msgspec.Struct):
    """Frames of a slot. RSSI and ESP in dBm, SNR in dB, error rate from 0 to 1: means; airtime in seconds.
    `lostUplinks` are gaps of counters; `overLimit` counts what the plan's regulators found too much."""

    date: str
    uplinks: int
    uplinksLate: int
    uplinkBytes: int
    lostUplinks: int
    rssi: float | None
    snr: float | None
    esp: float | None
    packetErrorRate: float | None
    uplinkAirtime: float
    spreadingFactors: dict[str, int]
    uplinksOverLimit: int
    downlinksSent: int
    downlinksFailed: int
    downlinkBytes: int
    downlinkAirtime: float
    downlinksOverLimit: int
    joins: int
    joinsRefused: int
    framesRefused: int


def _mean(total: int, count: int, scale: float) -> float | None:
    return None if not count else round(total / count / scale, 4)


def _shown(at: int, of: HourlyRow) -> Totals:
    heard = of.uplinks
    measured = heard - of.unmeasured
    factors = {f"SF{sf}": getattr(of, f"sf{sf}") for sf in range(7, 13)} | {"other": of.sf_other}
    return Totals(
        date=timestamp(at),
        uplinks=heard,
        uplinksLate=of.uplinks_late,
        uplinkBytes=of.uplink_bytes,
        lostUplinks=of.lost,
        rssi=_mean(of.rssi, measured, 10),
        snr=_mean(of.snr, measured, 10),
        esp=_mean(of.esp, measured, 10),
        packetErrorRate=_mean(of.per, heard, 10_000),
        uplinkAirtime=of.uplink_airtime / 10_000,
        spreadingFactors={name: count for name, count in factors.items() if count},
        uplinksOverLimit=of.uplinks_over,
        downlinksSent=of.downlinks_sent,
        downlinksFailed=of.downlinks_failed,
        downlinkBytes=of.sent_bytes + of.failed_bytes,
        downlinkAirtime=of.downlink_airtime / 10_000,
        downlinksOverLimit=of.downlinks_over,
        joins=of.joins,
        joinsRefused=of.joins_refused,
        framesRefused=of.refused,
    )


def empty_totals(date: str) -> Totals:
    """A slot in which nothing was counted."""
    totals = _shown(0, HourlyRow(SUBSCRIBER, 0, 0))
    totals.date = date
    return totals


def of_scope(connection: Connection, scope: int, ref: int, span: Span, hours: int) -> list[Totals]:
    """The totals of a subscriber, plan or base station."""
    columns = hourly_statistics.c
    slot = (columns.hour - columns.hour % hours).label("slot")
    rows = connection.execute(
        select(slot, *(total(columns[name]).label(name) for name in HOURLY_COUNTERS))
        .where(
            columns.scope == scope,
            columns.scope_ref == ref,
            columns.hour >= span.start // HOUR,
            columns.hour < -(-span.end // HOUR),
        )
        .group_by(slot)
        .order_by(slot)
    )
    return [
        _shown(at * HOUR, HourlyRow(scope, ref, at, *(int(value) for value in counters)))
        for at, *counters in rows
    ]


def of_device(connection: Connection, device_ref: int, span: Span, hours: int) -> list[Totals]:
    """The same of one device, from its frame rows."""
    timeline = read_timeline(connection)
    rows = connection.execute(
        select(*FRAME_COLUMNS).where(
            frames.c.device_ref == device_ref,
            id_within(frames.c.id, timeline.ranges(span.start, span.end, _LATEST)),
        )
    )
    # As if the device were a fleet of its own.
    own = (replace(FrameRow(*row), subscriber_ref=device_ref, plan_ref=None) for row in rows)
    slots: dict[int, HourlyRow] = {}
    for key, hourly in totals_of(own).totals.items():
        hour = key.hour
        if key.scope == SUBSCRIBER and span.start <= hour * HOUR + HOUR - 1 and hour * HOUR < span.end:
            slot = hour // hours * hours
            slots[slot] = slots.get(slot, HourlyRow(SUBSCRIBER, device_ref, slot)).plus(hourly)
    return [_shown(hour * HOUR, hourly) for hour, hourly in sorted(slots.items())]
