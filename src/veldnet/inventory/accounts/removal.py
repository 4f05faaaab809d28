"""The end of a subscriber."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Connection, delete, func, select

from veldnet.domain.errors import InUse
from veldnet.inventory import changes
from veldnet.store.schema import devices, projects, routing_profiles, subscribers, users

from . import leftovers
from .accounts import find_subscriber
from .people import remove_user


def remove_subscriber(connection: Connection, customer_id: str) -> None:
    """Remove a customer that has no devices any more, with its users, projects, routing profiles, decoders,
    settings and undelivered messages. Frames and statistics stay for their retention. Raises `InUse`."""
    ref, operator_ref = find_subscriber(connection, customer_id)
    owned = connection.execute(
        select(func.count()).select_from(devices).where(devices.c.subscriber_ref == ref)
    ).scalar_one()
    if owned:
        raise InUse(f"subscriber {customer_id} has {owned} device(s); delete them first")
    leftovers.of_subscriber(connection, ref)
    for user in _refs(connection, users.c.ref, users.c.subscriber_ref == ref):
        remove_user(connection, users, user)
    for profile in _refs(connection, routing_profiles.c.ref, routing_profiles.c.subscriber_ref == ref):
        changes.note(connection, "routing", profile)
    for table in (projects, routing_profiles):
        connection.execute(delete(table).where(table.c.subscriber_ref == ref))
    # Grants, decoders, imports and shared keys go with the row.
    connection.execute(delete(subscribers).where(subscribers.c.ref == ref))
    changes.note(connection, "subscribers", operator_ref)
    changes.note(connection, "recipients", ref)


def _refs(connection: Connection, column: Column[int], of: ColumnElement[bool]) -> list[int]:
    return list(connection.execute(select(column).where(of)).scalars())
