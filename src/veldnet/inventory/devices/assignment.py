"""Connectivity plan, routing and profile of a device: permitted values and defaults."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, bindparam, select, update

from veldnet.domain.documents import ProfileSettings, decode_profile
from veldnet.domain.errors import (
    BadRequest,
    InvalidField,
    NoFreeConnection,
    UnknownConnectivityPlan,
    UnknownReference,
)
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.inventory.routing_profiles import default_profile, dummy_profile, find_by_id
from veldnet.store.schema import connectivity_plans, device_profiles, plan_grants

RESET = "reset"
# Built once: an import executes them a million times.
_GRANTED = (
    select(connectivity_plans.c.ref, connectivity_plans.c.id, connectivity_plans.c.suspended)
    .join(plan_grants, plan_grants.c.plan_ref == connectivity_plans.c.ref)
    .where(plan_grants.c.subscriber_ref == bindparam("subscriber"))
    .order_by(connectivity_plans.c.ref)
)
_GRANTED_PLAN = _GRANTED.where(connectivity_plans.c.id == bindparam("plan"))
_USABLE_PLANS = _GRANTED.where(connectivity_plans.c.suspended.is_(False))
_RESERVE = (
    update(plan_grants)
    .where(
        plan_grants.c.subscriber_ref == bindparam("subscriber"),
        plan_grants.c.plan_ref == bindparam("plan"),
        plan_grants.c.used < plan_grants.c.granted,
    )
    .values(used=plan_grants.c.used + 1)
)


def find_profile(connection: Connection, scope: Scope, profile_id: str) -> tuple[int, ProfileSettings]:
    row = connection.execute(
        select(device_profiles.c.ref, device_profiles.c.settings, device_profiles.c.suspended).where(
            device_profiles.c.operator_ref == scope.operator_ref, device_profiles.c.id == profile_id
        )
    ).first()
    if row is None:
        raise UnknownReference(
            "deviceProfileId {profile_id} is unknown; see GET /deviceProfiles", profile_id=profile_id[:80]
        )
    if row.suspended:
        raise UnknownReference(
            "deviceProfileId {profile_id} is suspended by the operator; choose another",
            profile_id=profile_id[:80],
        )
    return row.ref, decode_profile(row.settings)


def compatible_profile(
    connection: Connection, scope: Scope, current: ProfileSettings, profile_id: str
) -> int:
    """A model with the same MAC version and region; others would not understand the session."""
    profile_ref, wanted = find_profile(connection, scope, profile_id)
    if wanted.loRaWANMacVersion != current.loRaWANMacVersion:
        raise InvalidField(
            "deviceProfileId {profile_id} is for LoRaWAN {wanted}, the device uses {current}",
            profile_id=profile_id[:80],
            wanted=wanted.loRaWANMacVersion,
            current=current.loRaWANMacVersion,
        )
    if wanted.region != current.region:
        raise InvalidField(
            "deviceProfileId {profile_id} is for {wanted}, the device uses {current}",
            profile_id=profile_id[:80],
            wanted=wanted.region,
            current=current.region,
        )
    return profile_ref


def choose_plan(connection: Connection, scope: Scope, plan_id: str | UnsetType) -> int:
    """Take a connection of the plan asked for, or of the first one that has any left."""
    mine = {"subscriber": scope.subscriber_ref}
    if plan_id is not UNSET:
        row = connection.execute(_GRANTED_PLAN, {**mine, "plan": plan_id}).first()
        if row is None:
            raise UnknownConnectivityPlan(plan_id[:200], scope.operator_ref)
        if row.suspended:
            raise NoFreeConnection(
                "connectivity plan {plan_id} is suspended by the operator; choose another", plan_id=plan_id
            )
        if not _reserve_connection(connection, scope, row.ref):
            raise NoFreeConnection("connectivity plan {plan_id} has no free connection left", plan_id=plan_id)
        return int(row.ref)
    for row in connection.execute(_USABLE_PLANS, mine).all():
        if _reserve_connection(connection, scope, row.ref):
            return int(row.ref)
    raise NoFreeConnection("no connectivity plan has a free connection left; see GET /connectivityPlans")


def _reserve_connection(connection: Connection, scope: Scope, plan_ref: int) -> bool:
    taken = connection.execute(_RESERVE, {"subscriber": scope.subscriber_ref, "plan": plan_ref})
    return taken.rowcount == 1


def release_connection(connection: Connection, subscriber_ref: int, plan_ref: int | None) -> None:
    if plan_ref is not None:
        connection.execute(
            update(plan_grants)
            .where(plan_grants.c.subscriber_ref == subscriber_ref, plan_grants.c.plan_ref == plan_ref)
            .values(used=plan_grants.c.used - 1)
        )


def choose_routing(
    connection: Connection,
    scope: Scope,
    routing_profile_id: str | UnsetType,
    strategy: str | UnsetType,
) -> tuple[int | None, str | None]:
    """Routing profile and strategy after the API's decision table; a strategy wins over a profile."""
    profile = None
    if routing_profile_id is not UNSET:
        profile = find_by_id(connection, scope, routing_profile_id)
        if profile is None:
            raise UnknownReference(
                "routingProfileId {routing_profile_id} is unknown; see GET /routingProfiles",
                routing_profile_id=routing_profile_id[:80],
            )
        if strategy is UNSET:
            return profile, None
    if strategy == "DEFAULTRP":
        return default_profile(connection, scope), "DEFAULTRP"
    if strategy == "NOAS":
        return dummy_profile(connection, scope), "NOAS"
    return None, "DATAFLOW" if strategy is UNSET else str(strategy)


def changed_routing(connection: Connection, scope: Scope, body: Device) -> dict[str, Any]:
    if body.routingProfileId == RESET:
        if body.processingStrategyId is not UNSET:
            raise BadRequest("routingProfileId reset and processingStrategyId exclude each other")
        return {"routing_profile_ref": None, "processing_strategy": None}
    if body.routingProfileId is UNSET and body.processingStrategyId is UNSET:
        return {}
    routing_ref, strategy = choose_routing(
        connection, scope, body.routingProfileId, body.processingStrategyId
    )
    return {"routing_profile_ref": routing_ref, "processing_strategy": strategy}
