"""`FrameStatistics` of devices from their frame rows, and of a fleet from its hourly totals.

Slots are aligned to 1970-01-01T00:00 UTC. Every data frame counts, joins do not; a late frame counts when
it was heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, or_, select

from veldnet.inventory.errors import BadRequest
from veldnet.inventory.resources import FrameStatistics, timestamp
from veldnet.network import LATE, FrameKind, unpack_copies
from veldnet.store import first_id_at, millis_of
from veldnet.store.schema import frames, hourly_statistics

from .rollups import HOUR, SUBSCRIBER

# Frames of one answer without aggregation.
MOST_FRAMES = 50_000
# A late frame comes at most so long after it was heard.
_LATEST = 86_400_000


class Span(msgspec.Struct, frozen=True):
    """A time range in Unix milliseconds, the end not in it."""

    start: int
    end: int


class _Slot:
    """The frames of one direction in one slot."""

    __slots__ = ("failed", "frames", "late", "per", "rssi", "size", "size_failed", "size_late", "snr")

    def __init__(self) -> None:
        self.frames = self.size = self.late = self.size_late = self.failed = self.size_failed = 0
        self.rssi = self.snr = self.per = 0.0


def _shown(kind: FrameKind, at: int, slot: _Slot) -> FrameStatistics:
    entry = FrameStatistics(
        type="UPLINK" if kind == FrameKind.UPLINK else "DOWNLINK",
        date=timestamp(at),
        frameCount=slot.frames,
        payloadSize=slot.size,
    )
    if kind == FrameKind.UPLINK:
        entry.baseStationRSSI = round(slot.rssi / slot.frames / 10, 6)
        entry.baseStationSNR = round(slot.snr / slot.frames / 10, 6)
        entry.payloadReceivedOnTime = slot.frames - slot.late
        entry.payloadReceivedLate = slot.late
        entry.payloadReceivedOnTimeSize = slot.size - slot.size_late
        entry.payloadReceivedLateSize = slot.size_late
        entry.averagePER = round(slot.per / slot.frames, 6)
    else:
        entry.payloadSentWithSuccess = slot.frames - slot.failed
        entry.payloadSentWithSuccessSize = slot.size - slot.size_failed
        entry.payloadSentWithFailure = slot.failed
        entry.payloadSentWithFailureSize = slot.size_failed
    return entry


_DATA = or_(
    (frames.c.kind == int(FrameKind.UPLINK)) & (frames.c.outcome == "accepted"),
    frames.c.kind == int(FrameKind.DOWNLINK),
)


def _rows(refs: Sequence[int], columns: Iterable[Any] = ()) -> Select[tuple[Any, ...]]:
    return select(*columns).where(frames.c.device_ref.in_(refs), _DATA)


_FRAME = (
    frames.c.id,
    frames.c.kind,
    frames.c.outcome,
    frames.c.size,
    frames.c.rssi,
    frames.c.snr,
    frames.c.base_station,
    frames.c.at,
    frames.c.flags,
    frames.c.gap,
    frames.c.heard,
)


def _within(query: Select[Any], span: Span) -> Select[Any]:
    return query.where(frames.c.id >= first_id_at(span.start), frames.c.id < first_id_at(span.end + _LATEST))


def _at_station(row: Row[Any], station: int | None) -> tuple[int, int] | None:
    """RSSI and SNR of a frame at a base station, the best one if none is named; None where it was not heard
    or sent there."""
    if station is None or row.base_station == station:
        return row.rssi or 0, row.snr or 0
    if row.heard is not None:
        for heard, rssi, snr in unpack_copies(row.heard):
            if heard == station:
                return rssi, snr
    return None


def _at(row: Row[Any]) -> int:
    return millis_of(row.id) if row.at is None else int(row.at)


def _add(slot: _Slot, row: Row[Any], levels: tuple[int, int]) -> None:
    slot.frames += 1
    slot.size += row.size
    if row.kind == FrameKind.UPLINK:
        slot.rssi += levels[0]
        slot.snr += levels[1]
        if row.gap is not None:
            slot.per += 1 - 2 / (row.gap + 1)
        if row.flags & LATE:
            slot.late += 1
            slot.size_late += row.size
    elif row.outcome != "sent":
        slot.failed += 1
        slot.size_failed += row.size


def of_frames(
    connection: Connection, refs: Sequence[int], station: int | None, span: Span
) -> list[FrameStatistics]:
    """One entry for each frame. Raises `BadRequest` where there are too many."""
    query = _within(_rows(refs, _FRAME), span).order_by(frames.c.id).limit(MOST_FRAMES + 1)
    rows = connection.execute(query).all()
    if len(rows) > MOST_FRAMES:
        raise BadRequest(
            f"more than {MOST_FRAMES} frames: set aggregationStep, or ask for fewer devices or days"
        )
    found = []
    for row in rows:
        levels, at = _at_station(row, station), _at(row)
        if levels is not None and span.start <= at < span.end:
            slot = _Slot()
            _add(slot, row, levels)
            found.append((at, row.kind, row.id, _shown(FrameKind(row.kind), at, slot)))
    return [entry for _at_, _kind, _id, entry in sorted(found, key=lambda item: item[:3])]


def by_slots(
    connection: Connection, refs: Sequence[int], station: int | None, span: Span, hours: int
) -> list[FrameStatistics]:
    """One entry for each direction and slot that holds frames."""
    slots: dict[tuple[int, int], _Slot] = {}
    step = hours * HOUR
    for row in connection.execute(_within(_rows(refs, _FRAME), span)):
        at = _at(row)
        if not span.start <= at < span.end:
            continue
        levels = _at_station(row, station)
        if levels is None:
            continue
        key = at // step * step, row.kind
        slot = slots.get(key)
        if slot is None:
            slot = slots[key] = _Slot()
        _add(slot, row, levels)
    return [_shown(FrameKind(kind), at, slot) for (at, kind), slot in sorted(slots.items())]


def latest(
    connection: Connection, refs: Sequence[int], station: int | None, hours: int | None
) -> list[FrameStatistics]:
    """The newest entry of each direction: a frame, or the slot that holds it."""
    found: list[FrameStatistics] = []
    for kind in (FrameKind.UPLINK, FrameKind.DOWNLINK):
        newest = _newest(connection, refs, station, kind)
        if newest is None:
            continue
        at = _at(newest)
        if hours is None:
            span = Span(at, at + 1)
            entries = [e for e in of_frames(connection, refs, station, span) if e.type == kind.name]
            found += entries[-1:]
        else:
            start = at // (hours * HOUR) * hours * HOUR
            entries = by_slots(connection, refs, station, Span(start, start + hours * HOUR), hours)
            found += [entry for entry in entries if entry.type == kind.name]
    return found


def _newest(
    connection: Connection, refs: Sequence[int], station: int | None, kind: FrameKind
) -> Row[Any] | None:
    """The newest frame of a direction; with a base station, among the newest thousand of each device."""
    newest = None
    for ref in refs:
        query = _rows([ref], _FRAME).where(frames.c.kind == int(kind)).order_by(frames.c.id.desc())
        for row in connection.execute(query.limit(1 if station is None else 1000)):
            if _at_station(row, station) is not None:
                if newest is None or row.id > newest.id:
                    newest = row
                break
    return newest


def of_fleet(connection: Connection, subscriber_ref: int, span: Span, hours: int) -> list[FrameStatistics]:
    """All devices of a subscriber, from its hourly totals. The range is widened to whole hours."""
    columns = hourly_statistics.c
    slot = (columns.hour - columns.hour % hours).label("slot")
    sums = [
        func.sum(columns[name]).label(name)
        for name in (
            "uplinks", "uplinks_late", "uplink_bytes", "late_bytes", "rssi", "snr", "per", "downlinks_sent",
            "downlinks_failed", "sent_bytes", "failed_bytes",
        )
    ]  # fmt: skip
    rows = connection.execute(
        select(slot, *sums)
        .where(
            columns.scope == SUBSCRIBER,
            columns.scope_ref == subscriber_ref,
            columns.hour >= span.start // HOUR,
            columns.hour < -(-span.end // HOUR),
        )
        .group_by(slot)
        .order_by(slot)
    )
    found = []
    for row in rows:
        up, down = _Slot(), _Slot()
        up.frames, up.late, up.size, up.size_late = (
            int(n) for n in (row.uplinks, row.uplinks_late, row.uplink_bytes, row.late_bytes)
        )
        up.rssi, up.snr, up.per = float(row.rssi), float(row.snr), row.per / 10_000
        down.frames = int(row.downlinks_sent + row.downlinks_failed)
        down.size, down.failed = int(row.sent_bytes + row.failed_bytes), int(row.downlinks_failed)
        down.size_failed = int(row.failed_bytes)
        for kind, slot_ in ((FrameKind.UPLINK, up), (FrameKind.DOWNLINK, down)):
            if slot_.frames:
                found.append(_shown(kind, row.slot * HOUR, slot_))
    return found
