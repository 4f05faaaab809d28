"""Connectivity plans: what they allow, and to whom they are granted."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from veldnet.domain.documents import PlanSettings, decode_plan, encode
from veldnet.domain.errors import BadRequest, InvalidField, MissingField, NotFound
from veldnet.domain.resources import CommunicationType, ConnectivityPlan
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.inventory.accounts import find_subscriber
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import put, readable
from veldnet.store.schema import connectivity_plans, plan_grants, subscribers
from veldnet.texts import Text

from .names import check_new_id
from .uses import plan_uses, refuse_while_used

_MOST_GRANTED = 100_000_000
_PLAN_ID = re.compile(r"[0-9A-Za-z.\-][0-9A-Za-z._\-]{0,62}/[0-9A-Za-z._\-]{1,63}")


class Grant(msgspec.Struct):
    """How many connections of a plan a customer has, and uses."""

    customerId: str
    name: str
    granted: int
    used: int


class Plan(msgspec.Struct):
    """A connectivity plan with its rules. `problem` says why they cannot be read, and then there are none: it
    gives no service until it is given all of them again."""

    ref: str
    id: str
    name: str
    settings: dict[str, Any]
    grants: list[Grant]
    suspended: bool = False
    communicationType: CommunicationType = "UNICAST"
    problem: str | None = None


def create_connectivity_plan(
    connection: Connection,
    operator_ref: int,
    plan_id: str,
    name: str,
    settings: PlanSettings,
    communication: CommunicationType = "UNICAST",
) -> int:
    """A plan named `<supplier>/<key>`, for devices or, MULTICAST, for groups."""
    if not _PLAN_ID.fullmatch(plan_id):
        raise InvalidField(
            "connectivity plan id {plan_id!r} must look like supplier-cs/plan-key", plan_id=plan_id[:80]
        )
    name = check_name(name, most=100)
    check_bounds(settings)
    check_new_id(connection, connectivity_plans, operator_ref, plan_id)
    result = connection.execute(
        insert(connectivity_plans).values(
            operator_ref=operator_ref,
            id=plan_id,
            name=name,
            communication_type=communication,
            settings=encode(settings),
        )
    )
    changes.note(connection, "rules", 0)
    return inserted_ref(result)


def change_connectivity_plan(
    connection: Connection,
    operator_ref: int,
    plan_id: str,
    settings: PlanSettings | None = None,
    *,
    name: str | None = None,
    suspended: bool | None = None,
) -> None:
    """Give a plan other rules or another name, suspend or resume it; its devices live by that at once. A
    suspended plan gives no service; sessions go on where they stopped once it is resumed."""
    values: dict[str, Any] = {}
    if settings is not None:
        check_bounds(settings)
        values["settings"] = encode(settings)
    if name is not None:
        values["name"] = check_name(name, most=100)
    if suspended is not None:
        values["suspended"] = suspended
    if not values:
        raise MissingField("settings, name or suspended is mandatory")
    done = connection.execute(
        update(connectivity_plans)
        .where(connectivity_plans.c.operator_ref == operator_ref, connectivity_plans.c.id == plan_id)
        .values(values)
    )
    if done.rowcount != 1:
        raise BadRequest("there is no connectivity plan {plan_id}", plan_id=plan_id)
    changes.note(connection, "rules", 0)


def remove_plan(connection: Connection, operator_ref: int, ref: str) -> None:
    """Delete a plan with its grants. Its devices are moved to another one first. Raises `InUse`."""
    plan_ref, plan_id = own_plan(connection, operator_ref, ref)
    refuse_while_used(
        Text("connectivity plan {plan_id}", plan_id=plan_id),
        plan_uses(connection, plan_ref),
        Text("name in moveTo the plan that they move to"),
    )
    connection.execute(delete(connectivity_plans).where(connectivity_plans.c.ref == plan_ref))
    changes.note(connection, "rules", 0)


def check_bounds(settings: PlanSettings) -> None:
    """A lower bound may not be above its upper one."""
    for low, high in (("spreadingFactorMin", "spreadingFactorMax"), ("nbTransMin", "nbTransMax")):
        least, most = getattr(settings, low), getattr(settings, high)
        if least is not None and most is not None and least > most:
            raise InvalidField(
                "{low} {least} must not be above {high} {most}", low=low, least=least, high=high, most=most
            )


def grant_connectivity_plan(connection: Connection, subscriber_ref: int, plan_ref: int, granted: int) -> None:
    """Let a subscriber use a plan for so many devices, not fewer than use it already."""
    if not 0 <= granted <= _MOST_GRANTED:
        raise InvalidField(
            "granted {granted} must be from 0 to {most_granted}", granted=granted, most_granted=_MOST_GRANTED
        )
    row = {"subscriber_ref": subscriber_ref, "plan_ref": plan_ref, "granted": granted}
    put(connection, plan_grants, row)
    # Read behind the change: from now on nobody else takes a connection before this one is decided.
    used = connection.execute(
        select(plan_grants.c.used).where(
            plan_grants.c.subscriber_ref == subscriber_ref, plan_grants.c.plan_ref == plan_ref
        )
    ).scalar_one()
    if granted < used:
        raise BadRequest("{used} connections of this plan are in use; granted must not be less", used=used)


def grant_plan_by_id(connection: Connection, customer_id: str, plan_id: str, granted: int) -> None:
    """Let a customer use a plan of its operator for so many devices. Raises `BadRequest`."""
    subscriber_ref, operator_ref = find_subscriber(connection, customer_id)
    plan_ref = connection.execute(
        select(connectivity_plans.c.ref).where(
            connectivity_plans.c.operator_ref == operator_ref, connectivity_plans.c.id == plan_id
        )
    ).scalar()
    if plan_ref is None:
        raise BadRequest(
            "the operator of {customer_id} has no connectivity plan {plan_id}",
            customer_id=customer_id,
            plan_id=plan_id,
        )
    grant_connectivity_plan(connection, subscriber_ref, plan_ref, granted)


def find_plan(connection: Connection, plan_id: str, operator_ref: int | None = None) -> int:
    """The number of a plan of an operator, or of the only operator that has it. Raises `BadRequest`."""
    query = select(connectivity_plans.c.ref).where(connectivity_plans.c.id == plan_id)
    if operator_ref is not None:
        query = query.where(connectivity_plans.c.operator_ref == operator_ref)
    found = list(connection.execute(query).scalars())
    if not found:
        raise BadRequest("there is no connectivity plan {plan_id}", plan_id=plan_id)
    if len(found) > 1:
        raise BadRequest(
            "several operators have a connectivity plan {plan_id}: name the operator", plan_id=plan_id
        )
    return int(found[0])


def list_connectivity_plans(connection: Connection, scope: Scope) -> list[ConnectivityPlan]:
    """The plans granted to the subscriber, in order of their refs."""
    rows = connection.execute(
        select(
            connectivity_plans.c.id,
            connectivity_plans.c.ref,
            connectivity_plans.c.name,
            plan_grants.c.granted,
            plan_grants.c.used,
            connectivity_plans.c.communication_type,
        )
        .join(plan_grants, plan_grants.c.plan_ref == connectivity_plans.c.ref)
        .where(plan_grants.c.subscriber_ref == scope.subscriber_ref)
        .order_by(connectivity_plans.c.ref)
    )
    return [
        ConnectivityPlan(row.id, str(row.ref), row.name, row.granted, row.used, row.communication_type)
        for row in rows
    ]


def operator_plans(connection: Connection, operator_ref: int) -> list[Plan]:
    grants: dict[int, list[Grant]] = {}
    for row in connection.execute(
        select(plan_grants, subscribers.c.customer_id, subscribers.c.name)
        .join(subscribers, subscribers.c.ref == plan_grants.c.subscriber_ref)
        .where(subscribers.c.operator_ref == operator_ref)
        .order_by(subscribers.c.customer_id)
    ):
        grants.setdefault(row.plan_ref, []).append(Grant(row.customer_id, row.name, row.granted, row.used))
    rows = connection.execute(
        select(connectivity_plans)
        .where(connectivity_plans.c.operator_ref == operator_ref)
        .order_by(connectivity_plans.c.ref)
    )

    def shown(row: Any, problem: str | None = None) -> Plan:
        settings = {} if problem else msgspec.structs.asdict(decode_plan(row.settings))
        granted, kind = grants.get(row.ref, []), row.communication_type
        return Plan(str(row.ref), row.id, row.name, settings, granted, row.suspended, kind, problem)

    return list(readable("connectivity_plan", rows, shown, shown))


def own_plan(connection: Connection, operator_ref: int, ref: str) -> tuple[int, str]:
    """Number and id of a plan of the operator. Raises `NotFound`."""
    number = ref_of(ref)
    row = connection.execute(
        select(connectivity_plans.c.ref, connectivity_plans.c.id).where(
            connectivity_plans.c.ref == number, connectivity_plans.c.operator_ref == operator_ref
        )
    ).first()
    if row is None:
        raise NotFound("ConnectivityPlan", ref)
    return row.ref, row.id


def sole_plan(connection: Connection, scope: Scope, ref: str) -> int:
    """The number of a plan that the subscriber has and nobody else. Raises `NotFound`."""
    number = ref_of(ref)
    holders = connection.execute(
        select(plan_grants.c.subscriber_ref)
        .join(connectivity_plans, connectivity_plans.c.ref == plan_grants.c.plan_ref)
        .where(plan_grants.c.plan_ref == number)
    ).scalars()
    if list(holders) != [scope.subscriber_ref]:
        raise NotFound("ConnectivityPlan", ref)
    return number
