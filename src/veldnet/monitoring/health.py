"""Health of a device, in ThingPark's words, and how many devices of a subscriber are in which state."""

from __future__ import annotations

from sqlalchemy import Connection, select

from veldnet.store.schema import health_counts

INIT, ACTIVE, RF_CNX_ERROR = 0, 1, 2


def counts(connection: Connection, subscriber_ref: int) -> tuple[int, int, int]:
    """Devices in INIT, ACTIVE and RF_CNX_ERROR."""
    columns = health_counts.c
    rows = connection.execute(
        select(columns.health, columns.devices).where(columns.subscriber_ref == subscriber_ref)
    )
    found = {row.health: row.devices for row in rows}
    return found.get(INIT, 0), found.get(ACTIVE, 0), found.get(RF_CNX_ERROR, 0)


def fleet_counts(connection: Connection) -> dict[int, int]:
    """Devices of all subscribers, by state."""
    totals = dict.fromkeys((INIT, ACTIVE, RF_CNX_ERROR), 0)
    for row in connection.execute(select(health_counts.c.health, health_counts.c.devices)):
        totals[row.health] += row.devices
    return totals
