"""Subscribers: the customers of an operator."""

from __future__ import annotations

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Table, case, delete, func, insert, select, update

from veldnet.domain.errors import BadRequest, InUse, InvalidField, MissingField, NotFound
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, leftovers
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref
from veldnet.store.expressions import total
from veldnet.store.schema import (
    campaigns,
    connections,
    decoders,
    deliveries,
    device_counts,
    devices,
    flows,
    geofences,
    multicast_groups,
    operators,
    projects,
    routing_profiles,
    subscribers,
    users,
)
from veldnet.texts import Plural

from .users import clear_user


class Subscriber(msgspec.Struct):
    """A customer of the operator."""

    customerId: str
    name: str
    devices: int
    disconnected: int
    users: int
    suspended: bool = False


class Customer(msgspec.Struct, frozen=True):
    """A customer of any operator, by the operator's code."""

    customer_id: str
    name: str
    operator: str


def list_customers(connection: Connection) -> list[Customer]:
    """The customers of all operators of the installation."""
    rows = connection.execute(
        select(subscribers.c.customer_id, subscribers.c.name, operators.c.code).join(operators)
    )
    return [Customer(row.customer_id, row.name, row.code) for row in rows]


def create_subscriber(connection: Connection, operator_ref: int, customer_id: str, name: str) -> int:
    """A customer; `customer_id` has nine digits."""
    if len(customer_id) != 9 or not (customer_id.isascii() and customer_id.isdigit()):
        raise InvalidField("customer id {customer_id!r} must have nine digits", customer_id=customer_id[:40])
    name = check_name(name, most=100)
    if connection.execute(select(subscribers.c.ref).where(subscribers.c.customer_id == customer_id)).first():
        raise BadRequest("subscriber {customer_id} exists already", customer_id=customer_id)
    changes.note(connection, "subscribers", operator_ref)
    return inserted_ref(
        connection.execute(
            insert(subscribers).values(operator_ref=operator_ref, customer_id=customer_id, name=name)
        )
    )


def find_subscriber(connection: Connection, customer_id: str) -> tuple[int, int]:
    """Reference of a subscriber and of its operator."""
    row = connection.execute(
        select(subscribers.c.ref, subscribers.c.operator_ref).where(subscribers.c.customer_id == customer_id)
    ).first()
    if row is None:
        raise BadRequest("there is no subscriber {customer_id}", customer_id=customer_id)
    return row.ref, row.operator_ref


def customer_scope(connection: Connection, customer_id: str, administrator: str) -> Scope:
    """The scope of an administrator of the installation who works on a customer's behalf."""
    ref, operator_ref = find_subscriber(connection, customer_id)
    # No user of the customer.
    return Scope(operator_ref, ref, customer_id, 0, administrator, administrator)


def own_subscriber(connection: Connection, operator_ref: int, customer_id: str) -> int:
    """The number of a customer of the operator. Raises `NotFound`."""
    ref = connection.execute(
        select(subscribers.c.ref).where(
            subscribers.c.customer_id == customer_id, subscribers.c.operator_ref == operator_ref
        )
    ).scalar()
    if ref is None:
        raise NotFound("Subscriber", customer_id)
    return int(ref)


class Belongings(msgspec.Struct):
    """What a customer has, and what is deleted with it."""

    devices: int
    users: int
    projects: int
    routingProfiles: int
    decoders: int
    undelivered: int
    groups: int
    campaigns: int
    areas: int
    connections: int
    flows: int


_OWNED: dict[str, Table] = {
    "devices": devices,
    "users": users,
    "projects": projects,
    "routingProfiles": routing_profiles,
    "decoders": decoders,
    "undelivered": deliveries,
    "groups": multicast_groups,
    "campaigns": campaigns,
    "areas": geofences,
    "connections": connections,
    "flows": flows,
}


def belongings(connection: Connection, ref: int) -> Belongings:
    counts = [
        select(func.count())
        .select_from(table)
        .where(table.c.subscriber_ref == ref)
        .scalar_subquery()
        .label(name)
        for name, table in _OWNED.items()
    ]
    return Belongings(**connection.execute(select(*counts)).one()._mapping)


def change_subscriber(connection: Connection, ref: int, name: str | None, suspended: bool | None) -> None:
    """Give a customer another name, suspend or resume it: the users of a suspended one cannot sign in, its
    projects have no access and its devices get no service, at once."""
    values: dict[str, str | bool] = {}
    if name is not None:
        values["name"] = check_name(name, most=100)
    if suspended is not None:
        values["suspended"] = suspended
        changes.note(connection, "rules", 0)
    if not values:
        raise MissingField("name or suspended is mandatory")
    connection.execute(update(subscribers).where(subscribers.c.ref == ref).values(values))


def list_subscribers(connection: Connection, operator_ref: int) -> list[Subscriber]:
    people = select(users.c.subscriber_ref, func.count().label("users")).group_by(users.c.subscriber_ref)
    counted = select(
        device_counts.c.subscriber_ref,
        total(device_counts.c.devices).label("devices"),
        total(case((device_counts.c.health == 2, device_counts.c.devices), else_=0)).label("disconnected"),
    ).group_by(device_counts.c.subscriber_ref)
    many, fleet = people.subquery(), counted.subquery()
    rows = connection.execute(
        select(
            subscribers.c.customer_id,
            subscribers.c.name,
            subscribers.c.suspended,
            fleet.c.devices,
            fleet.c.disconnected,
            many.c.users,
        )
        .join(many, many.c.subscriber_ref == subscribers.c.ref, isouter=True)
        .join(fleet, fleet.c.subscriber_ref == subscribers.c.ref, isouter=True)
        .where(subscribers.c.operator_ref == operator_ref)
        .order_by(subscribers.c.customer_id)
    )
    return [
        Subscriber(
            row.customer_id,
            row.name,
            row.devices or 0,
            row.disconnected or 0,
            row.users or 0,
            row.suspended,
        )
        for row in rows
    ]


def remove_subscriber(connection: Connection, customer_id: str) -> None:
    """Remove a customer that has no devices any more, with its users, projects, routing profiles, decoders,
    campaigns, settings and undelivered messages. Frames and statistics stay for their retention. Raises
    `InUse`."""
    ref, operator_ref = find_subscriber(connection, customer_id)
    owned = connection.execute(
        select(func.count()).select_from(devices).where(devices.c.subscriber_ref == ref)
    ).scalar_one()
    if owned:
        raise InUse(
            Plural(
                "subscriber {customer_id} has {count} device; delete it first",
                "subscriber {customer_id} has {count} devices; delete them first",
                customer_id=customer_id,
                count=owned,
            )
        )
    groups = connection.execute(
        select(func.count()).select_from(multicast_groups).where(multicast_groups.c.subscriber_ref == ref)
    ).scalar_one()
    if groups:
        raise InUse(
            Plural(
                "subscriber {customer_id} has {count} multicast group; delete it first",
                "subscriber {customer_id} has {count} multicast groups; delete them first",
                customer_id=customer_id,
                count=groups,
            )
        )
    leftovers.of_subscriber(connection, ref)
    for user in _refs(connection, users.c.ref, users.c.subscriber_ref == ref):
        clear_user(connection, users, user)
    for profile in _refs(connection, routing_profiles.c.ref, routing_profiles.c.subscriber_ref == ref):
        changes.note(connection, "routing", profile)
    for connection_ref in _refs(connection, connections.c.ref, connections.c.subscriber_ref == ref):
        changes.note(connection, "connection", connection_ref)
    for campaign in _refs(connection, campaigns.c.ref, campaigns.c.subscriber_ref == ref):
        changes.note(connection, "campaigns", campaign)
    for table in (campaigns, projects, routing_profiles):
        connection.execute(delete(table).where(table.c.subscriber_ref == ref))
    # Grants, flows and connections, decoders, imports and shared keys go with the row.
    connection.execute(delete(subscribers).where(subscribers.c.ref == ref))
    changes.note(connection, "subscribers", operator_ref)
    changes.note(connection, "recipients", ref)


def _refs(connection: Connection, column: Column[int], of: ColumnElement[bool]) -> list[int]:
    return list(connection.execute(select(column).where(of)).scalars())
