"""Battery levels that devices reported in DevStatusAns."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from veldnet.store import millis_of, read_timeline
from veldnet.store.schema import frames

MOST = 5000
# Of 1 to 254 levels; 0 is external power, 255 unknown.
_FULL = 254


class StoredBattery(msgspec.Struct, frozen=True):
    """What a DevStatusAns said: battery 1 to 254, 0 for external power, 255 for unknown; `margin` in dB;
    `time` in Unix milliseconds."""

    time: int
    battery: int
    margin: int | None

    @property
    def percent(self) -> int | None:
        """None where the battery is no level."""
        return round(self.battery * 100 / _FULL) if 1 <= self.battery <= _FULL else None


def battery_levels(
    connection: Connection, device_ref: int, start_ms: int, end_ms: int
) -> list[StoredBattery]:
    """Oldest first; the newest `MOST` of the time range."""
    columns, timeline = frames.c, read_timeline(connection)
    rows = connection.execute(
        select(columns.id, columns.at, columns.battery, columns.margin)
        .where(
            columns.device_ref == device_ref,
            columns.id >= timeline.first_id_at(start_ms),
            columns.id < timeline.first_id_at(end_ms),
            columns.battery.is_not(None),
        )
        .order_by(columns.id.desc())
        .limit(MOST)
    ).all()
    return [
        StoredBattery(millis_of(row.id) if row.at is None else row.at, row.battery, row.margin)
        for row in reversed(rows)
    ]
