"""Routes and users of a subscriber, and who serves it, on the paths of ThingPark's DX API."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from veldnet.api.query import PageIndex
from veldnet.api.routers import DX, DX_ADMINISTRATOR
from veldnet.api.services import Services
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import Route, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, routing_profiles
from veldnet.inventory.devices import PAGE


class DxPage(msgspec.Struct, frozen=True):
    """Which page of 100; all without one."""

    pageIndex: PageIndex = None

    @property
    def part(self) -> slice:
        return (
            slice(None)
            if self.pageIndex is None
            else slice((self.pageIndex - 1) * PAGE, self.pageIndex * PAGE)
        )


class DxRoute(msgspec.Struct, omit_defaults=True):
    """A route of a routing profile, by the name of the profile."""

    ref: str
    name: str
    connectorClass: str
    contentType: str
    strategy: str
    sourcePorts: str
    addresses: list[str]
    asId: str | None = None


class DxUser(msgspec.Struct):
    """A user of the subscriber."""

    id: str
    ref: str
    firstName: str
    lastName: str
    email: str
    organization: str
    scopes: list[str]


class DxParty(msgspec.Struct):
    """Who sells connectivity, or supplies it."""

    id: str
    ref: str
    name: str


def route_refs(profile: RoutingProfile) -> list[str]:
    """By which DX names the routes of a routing profile."""
    count = 0 if profile.routes is UNSET else len(profile.routes)
    return [f"{profile.ref}.{position}" for position in range(1, count + 1)]


def _route(profile: RoutingProfile, ref: str, route: Route) -> DxRoute:
    return DxRoute(
        ref=ref,
        name=str(profile.name),
        connectorClass="HTTP",
        contentType=str(route.contentType),
        strategy=str(route.strategy),
        sourcePorts=str(route.sourcePorts),
        addresses=[] if route.addresses is UNSET else route.addresses,
        asId=None if route.asId is UNSET else route.asId,
    )


@DX.get("/routes")
async def list_routes(services: Services, scope: Scope, query: DxPage) -> list[DxRoute]:
    """The routes of all routing profiles, in the order of both."""
    return (await _routes(services, scope))[query.part]


@DX.get("/routes/{routeRef}")
async def get_route(route_ref: str, services: Services, scope: Scope) -> DxRoute:
    for route in await _routes(services, scope):
        if route.ref == route_ref:
            return route
    raise NotFound("Route", route_ref)


async def _routes(services: Services, scope: Scope) -> list[DxRoute]:
    listed = await services.read(lambda c: routing_profiles.list_routing_profiles(c, scope))
    return [
        _route(profile, ref, route)
        for profile in listed
        for ref, route in zip(
            route_refs(profile), () if profile.routes is UNSET else profile.routes, strict=False
        )
    ]


@DX.get("/vendors")
async def list_vendors(services: Services, scope: Scope) -> list[DxParty]:
    """The operator of the subscriber: here it sells connectivity itself."""
    operator = await services.read(lambda c: accounts.operator_of(c, scope))
    return [DxParty(operator.code, str(scope.operator_ref), operator.name)]


@DX.get("/suppliers")
async def list_suppliers(services: Services, scope: Scope) -> list[DxParty]:
    """As the vendors: it supplies what it sells."""
    return await list_vendors(services, scope)


@DX_ADMINISTRATOR.get("/users")
async def list_users(services: Services, scope: Scope, query: DxPage) -> list[DxUser]:
    """The users of the subscriber, for its administrators. Names are not kept in parts."""
    listed = await services.read(lambda c: accounts.list_colleagues(c, scope))
    return [
        DxUser(
            each.username,
            each.ref,
            each.displayName,
            "",
            each.email or "",
            scope.customer_id,
            [f"SUBSCRIBER:{scope.customer_id}"],
        )
        for each in listed[query.part]
    ]
