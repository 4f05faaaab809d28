"""Routes, connections and users of a subscriber on the paths of ThingPark's DX API."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from veldnet.api.query import PageIndex
from veldnet.api.routers import DX, DX_ADMINISTRATOR
from veldnet.api.services import Services
from veldnet.domain.resources import Route, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, flows, routing_profiles
from veldnet.inventory.devices import PAGE
from veldnet.inventory.flows import Connection

# States of connections, in ThingPark's words.
_STATES = {"ACTIVE": "OPENED", "ERROR": "FAILED", "WAITING": "OPENING", "DEACTIVATED": "CLOSED"}
_CONNECTORS = {"MQTT": "actility-mqtt-iot", "HTTP": "actility-http-iot"}


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


class DxConnection(msgspec.Struct, omit_defaults=True):
    """A connection to an application; `startupTime` is since when it is in its state."""

    id: str
    connectorId: str
    name: str
    state: str
    active: bool
    startupTime: str | None = None


class DxUser(msgspec.Struct):
    """A user of the subscriber."""

    id: str
    ref: str
    firstName: str
    lastName: str
    email: str
    organization: str
    scopes: list[str]


def _route(profile: RoutingProfile, position: int, route: Route) -> DxRoute:
    return DxRoute(
        ref=f"{profile.ref}.{position}",
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
    listed = await services.read(lambda c: routing_profiles.list_routing_profiles(c, scope))
    found = [
        _route(profile, position, route)
        for profile in listed
        for position, route in enumerate(() if profile.routes is UNSET else profile.routes, 1)
    ]
    return found[query.part]


def _connection(connection: Connection) -> DxConnection:
    kind, state = str(connection.type), connection.state
    return DxConnection(
        id=str(connection.ref),
        connectorId=_CONNECTORS.get(kind, f"veldnet-{kind.lower()}"),
        name=str(connection.name),
        state="OPENING" if state is UNSET else _STATES.get(state.status, "OPENED"),
        active=connection.active is True,
        startupTime=None if state is UNSET else state.since,
    )


@DX.get("/connections")
async def list_connections(services: Services, scope: Scope, query: DxPage) -> list[DxConnection]:
    """The connections of flows, by name."""
    now = round(services.platform.clock() * 1000)
    listed = await services.read(lambda c: flows.list_connections(c, scope, now))
    return [_connection(each) for each in listed[query.part]]


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
