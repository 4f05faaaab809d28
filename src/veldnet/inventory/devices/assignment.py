"""Connectivity plan, routing and profile of a device: permitted values and defaults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
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
from veldnet.store import Prepared
from veldnet.store.schema import connectivity_plans, device_profiles, plan_grants

RESET = "reset"
_GRANTED = (
    select(
        connectivity_plans.c.ref,
        connectivity_plans.c.id,
        connectivity_plans.c.suspended,
        connectivity_plans.c.communication_type,
        (plan_grants.c.granted - plan_grants.c.used).label("free"),
    )
    .join(plan_grants, plan_grants.c.plan_ref == connectivity_plans.c.ref)
    .where(plan_grants.c.subscriber_ref == bindparam("subscriber"))
    .order_by(connectivity_plans.c.ref)
    .with_for_update(of=plan_grants)
)
_GRANTED_PLANS = Prepared(_GRANTED.where(connectivity_plans.c.id.in_(bindparam("plans", expanding=True))))
_ALL_GRANTED = Prepared(_GRANTED)
_TAKE = Prepared(
    update(plan_grants)
    .where(
        plan_grants.c.subscriber_ref == bindparam("subscriber"),
        plan_grants.c.plan_ref == bindparam("plan"),
    )
    .values(used=plan_grants.c.used + bindparam("taken"))
)


_PROFILE = Prepared(
    select(device_profiles.c.ref, device_profiles.c.settings, device_profiles.c.suspended).where(
        device_profiles.c.operator_ref == bindparam("operator"), device_profiles.c.id == bindparam("profile")
    )
)
_RELEASE = (
    update(plan_grants)
    .where(
        plan_grants.c.subscriber_ref == bindparam("subscriber"),
        plan_grants.c.plan_ref == bindparam("plan"),
    )
    .values(used=plan_grants.c.used - bindparam("given_back"))
)


def find_profile(connection: Connection, scope: Scope, profile_id: str) -> tuple[int, ProfileSettings]:
    values = {"operator": scope.operator_ref, "profile": profile_id}
    row = _PROFILE.first(connection, values)
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


def profiles_by_ref(connection: Connection, refs: Collection[int]) -> dict[int, ProfileSettings]:
    """Device profiles by their refs."""
    columns = device_profiles.c
    rows = connection.execute(select(columns.ref, columns.settings).where(columns.ref.in_(refs)))
    return {row.ref: decode_profile(row.settings) for row in rows}


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


class FreeConnections:
    """The connections that the plans of a subscriber have left, for devices that are created or moved in this
    transaction. Nobody else takes any of these plans before it ends."""

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        wanted: Iterable[str | UnsetType] = (UNSET,),
        communication: str = "UNICAST",
    ) -> None:
        """`wanted` has the plans that are asked for, UNSET where any will do; devices have UNICAST plans,
        multicast groups MULTICAST ones."""
        self._communication = communication
        self._connection = connection
        self._scope = scope
        ids = set(wanted)
        values: dict[str, Any] = {"subscriber": scope.subscriber_ref}
        query = _ALL_GRANTED
        if UNSET not in ids:
            query = _GRANTED_PLANS
            values["plans"] = list(ids)
        self._plans = {row.id: row for row in query.rows(connection, values)}
        self._free = {row.ref: row.free for row in self._plans.values()}
        self._taken: Counter[int] = Counter()

    def choose(self, plan_id: str | UnsetType) -> int:
        """The plan asked for, or the first one that has a connection left. Raises `Refusal`."""
        if plan_id is UNSET:
            return self._any()
        plan = self._plans.get(plan_id)
        if plan is None:
            raise UnknownConnectivityPlan(plan_id[:200], self._scope.operator_ref)
        if plan.communication_type != self._communication:
            raise InvalidField(
                "connectivity plan {plan_id} is of communicationType {kind}; {wanted} is needed here",
                plan_id=plan_id,
                kind=plan.communication_type,
                wanted=self._communication,
            )
        if plan.suspended:
            raise NoFreeConnection(
                "connectivity plan {plan_id} is suspended by the operator; choose another", plan_id=plan_id
            )
        if not self._has(plan.ref):
            raise NoFreeConnection("connectivity plan {plan_id} has no free connection left", plan_id=plan_id)
        return int(plan.ref)

    def _any(self) -> int:
        """The first plan of the kind that has a connection left. Raises `NoFreeConnection`."""
        for plan in self._plans.values():
            usable = plan.communication_type == self._communication and not plan.suspended
            if usable and self._has(plan.ref):
                return int(plan.ref)
        if self._communication == "MULTICAST":
            raise NoFreeConnection(
                "no connectivity plan of communicationType MULTICAST has a free connection left; see "
                "GET /connectivityPlans"
            )
        raise NoFreeConnection("no connectivity plan has a free connection left; see GET /connectivityPlans")

    def _has(self, plan_ref: int) -> bool:
        return bool(self._taken[plan_ref] < self._free[plan_ref])

    def take(self, plan_ref: int) -> None:
        """A device has one more of the plan."""
        self._taken[plan_ref] += 1

    def give_back(self, plan_ref: int) -> None:
        """The device was not created after all."""
        self._taken[plan_ref] -= 1

    def write(self) -> None:
        """Write what was taken."""
        rows = [
            {"subscriber": self._scope.subscriber_ref, "plan": ref, "taken": taken}
            for ref, taken in sorted(self._taken.items())
            if taken
        ]
        if rows:
            _TAKE.write(self._connection, rows)


def choose_plan(
    connection: Connection, scope: Scope, plan_id: str | UnsetType, communication: str = "UNICAST"
) -> int:
    """Take a connection of the plan asked for, or of the first one that has any left."""
    connections = FreeConnections(connection, scope, (plan_id,), communication)
    ref = connections.choose(plan_id)
    connections.take(ref)
    connections.write()
    return ref


def release_connection(
    connection: Connection, subscriber_ref: int, plan_ref: int | None, count: int = 1
) -> None:
    if plan_ref is not None:
        connection.execute(_RELEASE, {"subscriber": subscriber_ref, "plan": plan_ref, "given_back": count})


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


def changed_routing(
    connection: Connection, scope: Scope, body: Device, *, shadow: bool = False
) -> dict[str, Any]:
    """The columns that change; `shadow` of a device that another network answers. Raises `Refusal`."""
    if shadow:
        if body.routingProfileId is not UNSET or body.processingStrategyId not in (UNSET, "NOAS"):
            raise InvalidField(
                "routing of a device in shadow cannot change: another network still serves it. End the "
                "shadow with `veldnet migrate cut-over`"
            )
        return {}
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
