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
