"""Health states of devices (ThingPark's names) and their counts per subscriber."""

from __future__ import annotations

from sqlalchemy import Connection, Select, bindparam, select

from veldnet.domain.health import Health
from veldnet.store import Prepared
from veldnet.store.expressions import total
from veldnet.store.schema import device_counts


def counts(connection: Connection, subscriber_ref: int) -> tuple[int, int, int]:
    """Devices in INIT, ACTIVE and RF_CNX_ERROR."""
    found = dict(_OF_SUBSCRIBER.columns(connection, {"subscriber": subscriber_ref}))
    return found.get(Health.INIT, 0), found.get(Health.ACTIVE, 0), found.get(Health.RF_CNX_ERROR, 0)


def fleet_counts(connection: Connection) -> dict[str, int]:
    """Devices of all subscribers, by the name of their state."""
    totals = dict.fromkeys((state.name for state in Health), 0)
    return totals | {Health(row.health).name: row.devices for row in connection.execute(_by_health())}


def _by_health() -> Select[tuple[int, int]]:
    columns = device_counts.c
    return select(columns.health, total(columns.devices).label("devices")).group_by(columns.health)


_OF_SUBSCRIBER = Prepared(_by_health().where(device_counts.c.subscriber_ref == bindparam("subscriber")))
