"""How plans, profiles, routing profiles and flows of a document are found and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.resources import Route, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import flows, offers, routing_profiles
from veldnet.inventory.flows import Flow

from .documents import FlowItem, Item, PlanItem, ProfileItem, RoutingItem


class Here(NamedTuple):
    """Something that there is: its ref, and its members as a document has them."""

    ref: str
    members: dict[str, Any]


class Context(NamedTuple):
    """Whose fleet it is, and whether addresses may be private."""

    scope: Scope
    allow_private: bool
    now_ms: int


Read = Callable[[Connection, Context], dict[str, Here]]
Write = Callable[[Connection, Context, Any, Here | None], None]


class Kind(NamedTuple):
    read: Read
    wanted: Callable[[Any], dict[str, Any]]
    write: Write


def members_of(item: Item) -> dict[str, Any]:
    """The members that an item names."""
    found: dict[str, Any] = {
        name: value for name in item.__struct_fields__ if (value := getattr(item, name)) is not UNSET
    }
    return found


# Connectivity plans.


def _plans(connection: Connection, context: Context) -> dict[str, Here]:
    scope = context.scope
    found = {}
    for plan in offers.operator_plans(connection, scope.operator_ref):
        granted = [each.granted for each in plan.grants if each.customerId == scope.customer_id]
        members = {
            "name": plan.name,
            "communicationType": plan.communicationType,
            "settings": plan.settings,
            "granted": granted[0] if granted else None,
        }
        found[plan.id] = Here(plan.ref, members)
    return found


def _wanted_plan(item: PlanItem) -> dict[str, Any]:
    wanted = members_of(item)
    wanted.pop("id")
    if item.settings is not UNSET:
        wanted["settings"] = _settings(PlanSettings, item.settings)
    return wanted


def _settings(kind: type[PlanSettings] | type[ProfileSettings], given: dict[str, Any]) -> dict[str, Any]:
    """The settings that are given, in their types. Raises `InvalidField`."""
    read: PlanSettings | ProfileSettings
    read = offers.read_document(PlanSettings, given) if kind is PlanSettings else _profile_settings(given)
    return {name: getattr(read, name) for name in given if name in read.__struct_fields__}


def _profile_settings(given: dict[str, Any]) -> ProfileSettings:
    return offers.read_document(ProfileSettings, given)


def _write_plan(connection: Connection, context: Context, item: PlanItem, here: Here | None) -> None:
    scope = context.scope
    given = {} if item.settings is UNSET else item.settings
    if here is None:
        settings = offers.read_document(PlanSettings, given)
        name = item.name if item.name is not UNSET else item.id
        kind = "UNICAST" if item.communicationType is UNSET else item.communicationType
        ref = offers.create_connectivity_plan(connection, scope.operator_ref, item.id, name, settings, kind)
    else:
        ref = int(here.ref)
        if item.communicationType not in (UNSET, here.members["communicationType"]):
            raise InvalidField("communicationType cannot be changed; create another plan")
        if given or item.name is not UNSET:
            offers.change_connectivity_plan(
                connection,
                scope.operator_ref,
                item.id,
                offers.read_document(PlanSettings, here.members["settings"] | given),
                name=None if item.name is UNSET else item.name,
            )
    if item.granted is not UNSET:
        offers.grant_connectivity_plan(connection, scope.subscriber_ref, ref, item.granted)


# Device profiles.


def _profiles(connection: Connection, context: Context) -> dict[str, Here]:
    return {
        each.id: Here(each.ref, {"name": each.name, "settings": each.settings})
        for each in offers.operator_profiles(connection, context.scope.operator_ref)
    }


def _wanted_profile(item: ProfileItem) -> dict[str, Any]:
    wanted = members_of(item)
    wanted.pop("id")
    if item.settings is not UNSET:
        wanted["settings"] = _settings(ProfileSettings, item.settings)
    return wanted


def _write_profile(connection: Connection, context: Context, item: ProfileItem, here: Here | None) -> None:
    operator_ref = context.scope.operator_ref
    given = {} if item.settings is UNSET else item.settings
    if here is None:
        name = item.name if item.name is not UNSET else item.id
        offers.create_device_profile(connection, operator_ref, item.id, name, _profile_settings(given))
        return
    name = item.name if item.name is not UNSET else here.members["name"]
    settings = _profile_settings(here.members["settings"] | given)
    offers.change_profile(connection, operator_ref, here.ref, name, settings)


# Routing profiles.


def _routings(connection: Connection, context: Context) -> dict[str, Here]:
    found = {}
    for each in routing_profiles.list_routing_profiles(connection, context.scope):
        routes = [] if each.routes is UNSET else [_route(route) for route in each.routes]
        found[str(each.name)] = Here(
            str(each.ref), {"default": each.default, "routes": routes, "id": each.id}
        )
    return found


def _route(route: Route) -> dict[str, Any]:
    """A route as a document has it; keys are not shown."""
    return {
        "sourcePorts": route.sourcePorts,
        "strategy": route.strategy,
        "contentType": route.contentType,
        "asId": None if route.asId is UNSET else route.asId,
        "maxDeviation": None if route.maxDeviation is UNSET else route.maxDeviation,
        "addresses": list(route.addresses or ()),
    }


def _wanted_routing(item: RoutingItem) -> dict[str, Any]:
    wanted = members_of(item)
    wanted.pop("name")
    if item.routes is not UNSET:
        wanted["routes"] = [
            {name: getattr(route, name) for name in route.__struct_fields__} for route in item.routes
        ]
    return wanted


def _write_routing(connection: Connection, context: Context, item: RoutingItem, here: Here | None) -> None:
    checked = None
    if item.routes is not UNSET:
        given = [
            Route(
                **{
                    name: value
                    for name, value in msgspec.structs.asdict(route).items()
                    if value not in (None, [])
                }
            )
            for route in item.routes
        ]
        checked = routing_profiles.check_routes(given, allow_private=context.allow_private)
    prepared = routing_profiles.Prepared(checked, [None] * len(checked or ()))
    body = RoutingProfile(name=item.name, default=item.default)
    if here is None:
        routing_profiles.create_routing_profile(connection, context.scope, body, prepared)
    else:
        routing_profiles.update_routing_profile(connection, context.scope, here.ref, body, prepared)


# Flows.


def _flows(connection: Connection, context: Context) -> dict[str, Here]:
    names = {ref: name for name, ref in _connections(connection, context).items()}
    found = {}
    for each in flows.list_flows(connection, context.scope):
        members = {name: getattr(each, name) for name in _FLOW_MEMBERS}
        members["connections"] = [names[ref] for ref in each.connectionRefs or () if ref in names]
        found[str(each.name)] = Here(str(each.ref), members)
    return found


_FLOW_MEMBERS = ("active", "tags", "deviceProfileIds", "strategies", "ports", "driver", "transformation")


def _connections(connection: Connection, context: Context) -> dict[str, str]:
    listed = flows.list_connections(connection, context.scope, context.now_ms)
    return {str(each.name): str(each.ref) for each in listed}


def _wanted_flow(item: FlowItem) -> dict[str, Any]:
    wanted = members_of(item)
    wanted.pop("name")
    return wanted


def _write_flow(connection: Connection, context: Context, item: FlowItem, here: Here | None) -> None:
    body = Flow(name=item.name)
    for name in _FLOW_MEMBERS:
        setattr(body, name, getattr(item, name))
    if item.transformation == "":
        body.transformation, body.clear = UNSET, ["transformation"]
    if item.connections is not UNSET:
        known = _connections(connection, context)
        missing = [name for name in item.connections if name not in known]
        if missing:
            raise MissingField("there is no connection {name}; create it first", name=missing[0][:80])
        body.connectionRefs = [known[name] for name in item.connections]
    if here is None:
        flows.create_flow(connection, context.scope, body)
    else:
        flows.update_flow(connection, context.scope, here.ref, body)


KINDS: dict[str, Kind] = {
    "connectivityPlans": Kind(_plans, _wanted_plan, _write_plan),
    "deviceProfiles": Kind(_profiles, _wanted_profile, _write_profile),
    "routingProfiles": Kind(_routings, _wanted_routing, _write_routing),
    "flows": Kind(_flows, _wanted_flow, _write_flow),
}
