"""`FrameStatistics` of devices from their frame rows, and of a fleet from its hourly totals.

Slots are aligned to 1970-01-01T00:00 UTC. Every data frame counts, joins do not; a late frame counts when
it was heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
from msgspec import UNSET
from sqlalchemy import BigInteger, Connection, bindparam, or_, select

from veldnet.domain.errors import BadRequest
from veldnet.domain.resources import FrameStatistics, timestamp
from veldnet.network.core import FrameKind
from veldnet.network.shell import LATE, unpack_copies
from veldnet.store import Prepared, id_bounds, id_within_some, millis_of, read_timeline
from veldnet.store.expressions import total
from veldnet.store.schema import frames, hourly_statistics

from .rollups import BASE_STATION, HOUR, SUBSCRIBER

# Frames of one answer without aggregation.
MOST_FRAMES = 50_000
# Frames that one answer adds up.
MOST_ADDED_UP = 1_000_000
_UPLINK = int(FrameKind.UPLINK)
# A late frame comes at most so long after it was heard.
_LATEST = 86_400_000


class Span(msgspec.Struct, frozen=True):
    """A time range in Unix milliseconds, the end not in it."""

    start: int
    end: int


class _Slot:
    """The frames of one direction in one slot."""

    __slots__ = (
        "failed", "frames", "late", "measured", "per", "rssi", "size", "size_failed", "size_late", "snr"
    )  # fmt: skip

    def __init__(self) -> None:
        # Uplinks whose RSSI and SNR are known.
        self.measured = 0
        self.frames = self.size = self.late = self.size_late = self.failed = self.size_failed = 0
        self.rssi = self.snr = self.per = 0.0


def _shown(kind: int, at: int, slot: _Slot) -> FrameStatistics:
    entry = FrameStatistics(
        type="UPLINK" if kind == _UPLINK else "DOWNLINK",
        date=timestamp(at),
        frameCount=slot.frames,
        payloadSize=slot.size,
    )
    if kind == _UPLINK:
        if slot.measured:
            entry.baseStationRSSI = round(slot.rssi / slot.measured / 10, 6)
            entry.baseStationSNR = round(slot.snr / slot.measured / 10, 6)
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


_OF_DEVICES = (
    select(*_FRAME)
    .where(frames.c.device_ref.in_(bindparam("devices", expanding=True)), _DATA)
    .limit(bindparam("most", type_=BigInteger))
)
_NEWEST = Prepared(_OF_DEVICES.where(frames.c.kind == bindparam("kind")).order_by(frames.c.id.desc()))


@cache
def _within(ranges: int) -> Prepared:
    """Frames of devices whose identifiers lie in so many ranges."""
    return Prepared(_OF_DEVICES.where(id_within_some(frames.c.id, ranges)))


def _at_station(
    best: tuple[int, int | None, int | None], heard: bytes | None, station: int
) -> tuple[int, int | None, int | None] | None:
    """Base station, RSSI and SNR of a frame at `station`; None where it was not heard or sent there."""
    if best[0] == station:
        return best
    if heard is not None:
        for copy in unpack_copies(heard):
            if copy[0] == station:
                return copy
    return None


class _Frame(NamedTuple):
    """A data frame. `problem`: an uplink was late, a downlink failed."""

    at: int
    kind: int
    id: int
    size: int
    rssi: int | None
    snr: int | None
    gap: int | None
    problem: bool


def _frames(
    connection: Connection, refs: Sequence[int], station: int | None, span: Span, most: int
) -> Iterator[_Frame]:
    """The frames of devices that were on air in the time range, at the base station. Raises `BadRequest`
    where more than `most` must be looked at."""
    start, end = span.start, span.end
    ranges = read_timeline(connection).ranges(start, end, _LATEST)
    values = {"devices": list(refs), "most": most + 1, **id_bounds(ranges)}
    for number, row in enumerate(_within(len(ranges)).columns(connection, values)):
        if number == most:
            raise BadRequest(
                "more than {most} frames: ask for fewer devices or days, or aggregationStep", most=most
            )
        id_, kind, outcome, size, rssi, snr, at_station, at, flags, gap, heard = row
        when = millis_of(id_) if at is None else at
        if not start <= when < end:
            continue
        if station is not None:
            levels = _at_station((at_station, rssi, snr), heard, station)
            if levels is None:
                continue
            rssi, snr = levels[1:]
        problem = bool(flags & LATE) if kind == _UPLINK else outcome != "sent"
        yield _Frame(when, kind, id_, size, rssi, snr, gap, problem)


def _add(slot: _Slot, frame: _Frame) -> None:
    slot.frames += 1
    slot.size += frame.size
    if frame.kind == _UPLINK:
        if frame.rssi is not None and frame.snr is not None:
            slot.measured += 1
            slot.rssi += frame.rssi
            slot.snr += frame.snr
        if frame.gap is not None:
            slot.per += 1 - 2 / (frame.gap + 1)
        if frame.problem:
            slot.late += 1
            slot.size_late += frame.size
    elif frame.problem:
        slot.failed += 1
        slot.size_failed += frame.size


def _alone(frame: _Frame) -> FrameStatistics:
    """The entry of a single frame: as `_shown` has it, at once, for there are thousands of them."""
    late = frame.size if frame.problem else 0
    if frame.kind != _UPLINK:
        return FrameStatistics(
            type="DOWNLINK",
            date=timestamp(frame.at),
            frameCount=1,
            payloadSize=frame.size,
            payloadSentWithSuccess=0 if frame.problem else 1,
            payloadSentWithSuccessSize=frame.size - late,
            payloadSentWithFailure=1 if frame.problem else 0,
            payloadSentWithFailureSize=late,
        )
    rssi, snr = frame.rssi, frame.snr
    return FrameStatistics(
        type="UPLINK",
        date=timestamp(frame.at),
        frameCount=1,
        payloadSize=frame.size,
        baseStationRSSI=UNSET if rssi is None or snr is None else rssi / 10,
        baseStationSNR=UNSET if rssi is None or snr is None else snr / 10,
        payloadReceivedOnTime=0 if frame.problem else 1,
        payloadReceivedLate=1 if frame.problem else 0,
        payloadReceivedOnTimeSize=frame.size - late,
        payloadReceivedLateSize=late,
        averagePER=0.0 if frame.gap is None else round(1 - 2 / (frame.gap + 1), 6),
    )


def of_frames(
    connection: Connection, refs: Sequence[int], station: int | None, span: Span
) -> list[FrameStatistics]:
    """One entry for each frame. Raises `BadRequest` where there are too many."""
    return [_alone(frame) for frame in sorted(_frames(connection, refs, station, span, MOST_FRAMES))]


def by_slots(
    connection: Connection, refs: Sequence[int], station: int | None, span: Span, hours: int
) -> list[FrameStatistics]:
    """One entry for each direction and slot that holds frames."""
    slots: dict[tuple[int, int], _Slot] = {}
    step = hours * HOUR
    for frame in _frames(connection, refs, station, span, MOST_ADDED_UP):
        key = frame.at // step * step, frame.kind
        slot = slots.get(key)
        if slot is None:
            slot = slots[key] = _Slot()
        _add(slot, frame)
    return [_shown(kind, at, slot) for (at, kind), slot in sorted(slots.items())]


def latest(
    connection: Connection, refs: Sequence[int], station: int | None, hours: int | None
) -> list[FrameStatistics]:
    """The newest entry of each direction: a frame, or the slot that holds it."""
    found: list[FrameStatistics] = []
    for kind in (FrameKind.UPLINK, FrameKind.DOWNLINK):
        at = _newest(connection, refs, station, kind)
        if at is None:
            continue
        if hours is None:
            entries = of_frames(connection, refs, station, Span(at, at + 1))
        else:
            start = at // (hours * HOUR) * hours * HOUR
            entries = by_slots(connection, refs, station, Span(start, start + hours * HOUR), hours)
        found += [entry for entry in entries if entry.type == kind.name][-1:]
    return found


def _newest(connection: Connection, refs: Sequence[int], station: int | None, kind: FrameKind) -> int | None:
    """When the newest frame of a direction was on air; with a base station, among the newest thousand of each
    device."""
    newest = None
    for ref in refs:
        values = {"devices": [ref], "kind": int(kind), "most": 1 if station is None else 1000}
        for row in _NEWEST.rows(connection, values):
            best = row.base_station, row.rssi, row.snr
            if station is None or _at_station(best, row.heard, station) is not None:
                at = millis_of(row.id) if row.at is None else int(row.at)
                newest = at if newest is None else max(newest, at)
                break
    return newest


def of_fleet(connection: Connection, subscriber_ref: int, span: Span, hours: int) -> list[FrameStatistics]:
    """All devices of a subscriber, from its hourly totals. The range is widened to whole hours."""
    return _of_hours(connection, SUBSCRIBER, [subscriber_ref], span, hours)


def of_base_stations(
    connection: Connection, stations: Sequence[int], span: Span, hours: int
) -> list[FrameStatistics]:
    """Base stations together, each with the frames that it heard and sent. What was lost is known of devices
    only."""
    found = _of_hours(connection, BASE_STATION, stations, span, hours)
    for entry in found:
        entry.averagePER = UNSET
    return found


def newest(entries: Sequence[FrameStatistics]) -> list[FrameStatistics]:
    """The last entry of each direction."""
    last = {entry.type: entry for entry in entries}
    return sorted(last.values(), key=lambda entry: entry.type == "DOWNLINK")


_SUMS = (
    "uplinks", "uplinks_late", "uplink_bytes", "late_bytes", "rssi", "snr", "per", "downlinks_sent",
    "downlinks_failed", "sent_bytes", "failed_bytes", "unmeasured",
)  # fmt: skip


def _slots_of_hours() -> Prepared:
    columns = hourly_statistics.c
    slot = (columns.hour - columns.hour % bindparam("hours", type_=BigInteger)).label("slot")
    return Prepared(
        select(slot, *(total(columns[name]).label(name) for name in _SUMS))
        .where(
            columns.scope == bindparam("scope"),
            columns.scope_ref.in_(bindparam("refs", expanding=True)),
            columns.hour >= bindparam("first"),
            columns.hour < bindparam("end"),
        )
        .group_by(slot)
        .order_by(slot)
    )


_HOURS = _slots_of_hours()


def _of_hours(
    connection: Connection, scope: int, refs: Sequence[int], span: Span, hours: int
) -> list[FrameStatistics]:
    values = {
        "scope": scope,
        "refs": list(refs),
        "first": span.start // HOUR,
        "end": -(-span.end // HOUR),
        "hours": hours,
    }
    found = []
    for row in _HOURS.rows(connection, values):
        up, down = _Slot(), _Slot()
        up.frames, up.late, up.size, up.size_late = (
            int(n) for n in (row.uplinks, row.uplinks_late, row.uplink_bytes, row.late_bytes)
        )
        up.measured = up.frames - int(row.unmeasured)
        up.rssi, up.snr, up.per = float(row.rssi), float(row.snr), row.per / 10_000
        down.frames = int(row.downlinks_sent + row.downlinks_failed)
        down.size, down.failed = int(row.sent_bytes + row.failed_bytes), int(row.downlinks_failed)
        down.size_failed = int(row.failed_bytes)
        for kind, slot_ in ((FrameKind.UPLINK, up), (FrameKind.DOWNLINK, down)):
            if slot_.frames:
                found.append(_shown(kind, row.slot * HOUR, slot_))
    return found
