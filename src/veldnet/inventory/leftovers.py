"""What becomes of messages and settings when the device, routing profile, connection or subscriber they
belong to is
deleted: it is listed as undelivered with the reason, or gone; never somebody else's."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, bindparam, delete, update

from veldnet.store.schema import (
    alarm_history,
    alarms,
    coverage,
    deliveries,
    downlinks,
    hearing,
    locations,
    notification_settings,
    notifications,
)
from veldnet.texts import Text, pack

_PENDING, _UNDELIVERED = 0, 1
# The scope of notifications that are a subscriber's.
_SUBSCRIBER = 1


_OF_DEVICE = [
    delete(table).where(table.c.device_ref == bindparam("device"))
    for table in (alarms, alarm_history, downlinks, hearing, locations)
]


def of_device(connection: Connection, device_ref: int) -> None:
    """Its alarms, downlinks, places and coverage go; its pending messages become undelivered, where they are
    seen."""
    for statement in _OF_DEVICE:
        connection.execute(statement, {"device": device_ref})
    _set_aside(
        connection, deliveries.c.device_ref == device_ref, Text("the device was deleted"), "deviceDeleted"
    )


def of_devices(connection: Connection, refs: Sequence[int]) -> None:
    """The same of several."""
    for table in (alarms, alarm_history, downlinks, hearing, locations):
        connection.execute(delete(table).where(table.c.device_ref.in_(refs)))
    _set_aside(connection, deliveries.c.device_ref.in_(refs), Text("the device was deleted"), "deviceDeleted")


def of_group(connection: Connection, group_ref: int) -> None:
    """Its alarms go; pending messages of a multicast group become undelivered. They have its number below
    0."""
    for table in (alarms, alarm_history):
        connection.execute(delete(table).where(table.c.device_ref == -group_ref))
    own = deliveries.c.device_ref == -group_ref
    _set_aside(connection, own, Text("the multicast group was deleted"), "groupDeleted")


def of_routing_profile(connection: Connection, ref: int) -> None:
    """Its pending messages become undelivered: there is no address for them any more."""
    # The name of a queue begins with the ref of its routing profile and a colon; a semicolon is the next
    # character.
    in_queue = (deliveries.c.queue >= f"{ref}:") & (deliveries.c.queue < f"{ref};")
    _set_aside(connection, in_queue, Text("the routing profile was deleted"), "profileDeleted")


def of_connection(connection: Connection, ref: int) -> None:
    """As of a routing profile; its queues have its number below 0."""
    in_queue = (deliveries.c.queue >= f"-{ref}:") & (deliveries.c.queue < f"-{ref};")
    _set_aside(connection, in_queue, Text("the connection was deleted"), "connectionDeleted")


def of_subscriber(connection: Connection, ref: int) -> None:
    """Nobody can ask for its messages and notifications any more, so they are gone."""
    for owned in (deliveries, downlinks, coverage, hearing, locations):
        connection.execute(delete(owned).where(owned.c.subscriber_ref == ref))
    for table in (notifications, notification_settings):
        connection.execute(delete(table).where(table.c.scope == _SUBSCRIBER, table.c.scope_ref == ref))


def _set_aside(connection: Connection, chosen: ColumnElement[bool], words: str, reason: str) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.state == _PENDING, chosen)
        .values(state=_UNDELIVERED, last_error=pack(words), reason=reason, next_attempt_at=None)
    )
