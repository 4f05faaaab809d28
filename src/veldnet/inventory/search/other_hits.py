"""Everything else than devices: there is little enough of it to look at each name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from veldnet.inventory.routing_profiles import profile_id
from veldnet.store.expressions import with_text
from veldnet.store.schema import (
    base_stations,
    connectivity_plans,
    decoders,
    device_profiles,
    hsm_groups,
    operator_users,
    plan_grants,
    routes,
    routing_profiles,
    subscribers,
    users,
)

from .hits import Hit, HitKind, Phrase, Sight

_Find = Callable[[Connection, Sight, Phrase, int], list[Hit]]


def _with_subscriber(column: ColumnElement[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns, subscribers.c.customer_id, subscribers.c.name.label("subscriber")).join(
        subscribers, subscribers.c.ref == column
    )


def _base_stations(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
    if sight.subscriber_ref is not None:
        return []
    table = base_stations.c
    chosen = phrase.within(table.name, table.id, table.gateway_eui)
    if phrase.digits is not None:
        chosen = or_(chosen, with_text(table.gateway_eui, phrase.digits), with_text(table.id, phrase.digits))
    rows = connection.execute(
        select(table.id, table.name, table.gateway_eui)
        .where(table.operator_ref == sight.operator_ref, chosen)
        .order_by(table.name)
        .limit(limit)
    )
    return [Hit(row.id, row.name, f"{row.id} · {row.gateway_eui}") for row in rows]


def _subscribers(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
    if sight.subscriber_ref is not None:
        return []
    table = subscribers.c
    rows = connection.execute(
        select(table.customer_id, table.name)
        .where(table.operator_ref == sight.operator_ref, phrase.within(table.name, table.customer_id))
        .order_by(table.name)
        .limit(limit)
    )
    return [Hit(row.customer_id, row.name, row.customer_id, row.customer_id, row.name) for row in rows]


def _users(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
    """Who may sign in is shown to the operator alone."""
    if sight.subscriber_ref is not None:
        return []
    table = operator_users.c
    staff = connection.execute(
        select(table.ref, table.display_name, table.username)
        .where(table.operator_ref == sight.operator_ref, phrase.within(table.display_name, table.username))
        .order_by(table.display_name)
        .limit(limit)
    )
    found = [Hit(f"operator-{row.ref}", row.display_name, row.username) for row in staff]
    people = users.c
    customers = connection.execute(
        _with_subscriber(people.subscriber_ref, people.ref, people.display_name, people.username)
        .where(sight.owns(people.subscriber_ref), phrase.within(people.display_name, people.username))
        .order_by(people.display_name)
        .limit(limit)
    )
    found += [
        Hit(f"subscriber-{row.ref}", row.display_name, row.username, row.customer_id, row.subscriber)
        for row in customers
    ]
    return found[:limit]


def _routing_profiles(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
    """By name, or by the address of an application server."""
    table = routing_profiles.c
    to_address = select(routes.c.routing_profile_ref).where(with_text(routes.c.addresses, phrase.text))
    rows = connection.execute(
        _with_subscriber(table.subscriber_ref, table.ref, table.name, table.is_dummy)
        .where(
            sight.owns(table.subscriber_ref),
            table.is_dummy.is_(False),
            or_(phrase.within(table.name), table.ref.in_(to_address)),
        )
        .order_by(table.name)
        .limit(limit)
    )
    return [
        Hit(str(row.ref), row.name, profile_id(row.customer_id, row.ref), row.customer_id, row.subscriber)
        for row in rows
    ]


def _plans(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
    table = connectivity_plans.c
    chosen = (table.operator_ref == sight.operator_ref) & phrase.within(table.name, table.id)
    if sight.subscriber_ref is not None:
        granted = select(plan_grants.c.plan_ref).where(plan_grants.c.subscriber_ref == sight.subscriber_ref)
        chosen &= table.ref.in_(granted)
    rows = connection.execute(
        select(table.ref, table.name, table.id).where(chosen).order_by(table.name).limit(limit)
    )
    return [Hit(str(row.ref), row.name, row.id) for row in rows]


def _of_operator(table: Any) -> _Find:
    """What all subscribers of an operator may use."""

    def find(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
        rows = connection.execute(
            select(table.c.ref, table.c.name, table.c.id)
            .where(table.c.operator_ref == sight.operator_ref, phrase.within(table.c.name, table.c.id))
            .order_by(table.c.name)
            .limit(limit)
        )
        return [Hit(str(row.ref), row.name, row.id) for row in rows]

    return find


def _decoders(connection: Connection, sight: Sight, phrase: Phrase, limit: int) -> list[Hit]:
    table = decoders.c
    rows = connection.execute(
        _with_subscriber(table.subscriber_ref, table.ref, table.name, table.kind)
        .where(sight.owns(table.subscriber_ref), phrase.within(table.name))
        .order_by(table.name)
        .limit(limit)
    )
    return [Hit(str(row.ref), row.name, row.kind, row.customer_id, row.subscriber) for row in rows]


FINDERS: dict[HitKind, _Find] = {
    "baseStation": _base_stations,
    "subscriber": _subscribers,
    "user": _users,
    "routingProfile": _routing_profiles,
    "connectivityPlan": _plans,
    "deviceProfile": _of_operator(device_profiles),
    "hsmGroup": _of_operator(hsm_groups),
    "decoder": _decoders,
}
