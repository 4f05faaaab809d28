"""What base stations hear, by cells of the map, as an index that grows with the journal."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Connection, text

# Sizes of cells, in cells a degree: a large one for countries, a small one for towns.
COVERAGE_LEVELS = (10, 100)

# A mean follows what is heard: the frames before count as this many at most. So a base station that was moved
# shows where it is.
_MOST_WEIGHT = 200


class CoverageRow(msgspec.Struct, frozen=True, gc=False):
    """Frames of a subscriber's devices in a cell that a base station heard; `esp` is their mean in dBm."""

    subscriber_ref: int
    level: int
    row: int
    col: int
    base_station: int
    frames: int
    esp: float
    last_at: int


_ADD = text(
    "INSERT INTO coverage (subscriber_ref, level, row, col, base_station, frames, esp, last_at) "
    "VALUES (:subscriber_ref, :level, :row, :col, :base_station, :frames, :esp, :last_at) "
    "ON CONFLICT (subscriber_ref, level, row, col, base_station) DO UPDATE SET "
    "esp = (coverage.esp * CASE WHEN coverage.frames > :kept THEN :kept ELSE coverage.frames END "
    "+ excluded.esp * excluded.frames) "
    "/ (CASE WHEN coverage.frames > :kept THEN :kept ELSE coverage.frames END + excluded.frames), "
    "frames = coverage.frames + excluded.frames, last_at = excluded.last_at"
)


def add_coverage(connection: Connection, rows: Iterable[CoverageRow]) -> None:
    """Add what was heard to what is known."""
    values = [asdict(row) | {"kept": _MOST_WEIGHT} for row in rows]
    if values:
        connection.execute(_ADD, values)


# What was heard so many milliseconds later counts twice as much.
_DOUBLE = 7 * 86_400_000
# 2026-01-01, from which ages are counted.
_BEGIN = 1_767_225_600_000
# Sums of them are still numbers.
_MOST_DOUBLINGS = 960.0


def hearing_weight(at: int) -> float:
    """What a frame at a time in Unix milliseconds counts. Weights grow instead of fading away, so those of
    different times can be added up and compared without knowing when that is done; for 18 years."""
    return float(2.0 ** min((at - _BEGIN) / _DOUBLE, _MOST_DOUBLINGS))


class HearingRow(msgspec.Struct, frozen=True, gc=False):
    """How a base station hears a device. `margin` is the mean above what the slowest data rate needs, in dB,
    None where it is not known."""

    device_ref: int
    base_station: int
    subscriber_ref: int
    frames: int
    weight: float
    margin: float | None
    last_at: int


_HEAR = text(
    "INSERT INTO hearing (device_ref, base_station, subscriber_ref, frames, weight, margin, last_at) "
    "VALUES (:device_ref, :base_station, :subscriber_ref, :frames, :weight, :margin, :last_at) "
    "ON CONFLICT (device_ref, base_station) DO UPDATE SET "
    "margin = CASE WHEN excluded.margin IS NULL THEN hearing.margin "
    "WHEN hearing.margin IS NULL THEN excluded.margin "
    "ELSE (hearing.margin * hearing.weight + excluded.margin * excluded.weight) "
    "/ (hearing.weight + excluded.weight) END, "
    "weight = hearing.weight + excluded.weight, frames = hearing.frames + excluded.frames, "
    "subscriber_ref = excluded.subscriber_ref, last_at = excluded.last_at"
)


def add_hearing(connection: Connection, rows: Iterable[HearingRow]) -> None:
    """Add what was heard of devices to what is known."""
    values = [asdict(row) for row in rows]
    if values:
        connection.execute(_HEAR, values)
