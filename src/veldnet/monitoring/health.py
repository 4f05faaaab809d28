"""Health states of devices (ThingPark's names) and their counts per subscriber."""

from __future__ import annotations

from sqlalchemy import Connection, Select, func, select

from veldnet.store.schema import device_counts

INIT, ACTIVE, RF_CNX_ERROR = 0, 1, 2


def counts(connection: Connection, subscriber_ref: int) -> tuple[int, int, int]:
    """Devices in INIT, ACTIVE and RF_CNX_ERROR."""
    query = _by_health().where(device_counts.c.subscriber_ref == subscriber_ref)
    found = {row.health: int(row.devices) for row in connection.execute(query)}
    return found.get(INIT, 0), found.get(ACTIVE, 0), found.get(RF_CNX_ERROR, 0)


def fleet_counts(connection: Connection) -> dict[int, int]:
    """Devices of all subscribers, by state."""
    totals = dict.fromkeys((INIT, ACTIVE, RF_CNX_ERROR), 0)
    return totals | {row.health: int(row.devices) for row in connection.execute(_by_health())}


def _by_health() -> Select[tuple[int, int]]:
    columns = device_counts.c
    return select(columns.health, func.sum(columns.devices).label("devices")).group_by(columns.health)
