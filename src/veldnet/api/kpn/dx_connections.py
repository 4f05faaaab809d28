"""Connections to applications on the paths of ThingPark's DX API: those of flows, which are read here, and
those to application servers over HTTP, each a routing profile with one route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection as Database

from veldnet.api.routers import DX
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import InvalidField, MissingField, NotFound
from veldnet.domain.resources import Route, RoutingProfile
from veldnet.domain.scope import Scope
from veldnet.inventory import flows, routing_profiles
from veldnet.inventory.flows import HIDDEN, Connection

from .dx_applications import DxPage
from .routing_headers import given_headers
from .routing_profiles import change_profile, create_profile, delete_routing_profile

# States of connections, in ThingPark's words.
_STATES = {"ACTIVE": "OPENED", "ERROR": "FAILED", "WAITING": "OPENING", "DEACTIVATED": "CLOSED"}
_HTTP: Final = "actility-http-iot"
_CONNECTORS = {"MQTT": "actility-mqtt-iot", "HTTP": _HTTP}
# Ids of routing profiles begin with it; those of connections of flows are numbers.
_OF_PROFILE = "TWA_"
_BUILT_IN = ".dummy"


class HttpConfiguration(msgspec.Struct, omit_defaults=True):
    """An application server. `downlinkAsKey` signs messages both ways and is never returned; values of
    headers are shown as `*****`, and sent back like that they stay."""

    destinationURL: str | None = None
    headers: dict[str, str] | None = None
    downlinkAsId: str | None = None
    downlinkAsKey: str | None = None
    description: str | None = None


class DxConnection(msgspec.Struct, omit_defaults=True):
    """A connection to an application; `startupTime` is since when it is in its state."""

    id: str
    connectorId: str
    name: str
    state: str
    active: bool
    startupTime: str | None = None
    configuration: HttpConfiguration | None = None


class NewConnection(msgspec.Struct):
    """What clients send; members that this network does not have, such as `brand`, are passed over."""

    name: str | None = None
    connectorId: str | None = None
    configuration: HttpConfiguration | None = None


def _of_flow(connection: Connection) -> DxConnection:
    kind, state = "unknown" if connection.type is UNSET else connection.type, connection.state
    return DxConnection(
        id=str(connection.ref),
        connectorId=_CONNECTORS.get(kind, f"veldnet-{kind.lower()}"),
        name=str(connection.name),
        state="OPENING" if state is UNSET else _STATES.get(state.status, "OPENED"),
        active=connection.active is True,
        startupTime=None if state is UNSET else state.since,
    )


def _of_profile(profile: RoutingProfile, headers: Mapping[int, Sequence[str]]) -> DxConnection:
    routes = [] if profile.routes is UNSET else profile.routes
    first = routes[0] if routes else Route()
    names = headers.get(int(str(profile.ref)), ())
    configuration = HttpConfiguration(
        destinationURL=first.addresses[0] if first.addresses is not UNSET and first.addresses else None,
        headers=dict.fromkeys(names, HIDDEN) or None,
        downlinkAsId=None if first.asId is UNSET else first.asId,
    )
    return DxConnection(
        str(profile.id), _HTTP, str(profile.name), "OPENED", active=True, configuration=configuration
    )


@DX.get("/connections")
async def list_connections(services: Services, scope: Scope, query: DxPage) -> list[DxConnection]:
    """The connections of flows by name, and application servers."""
    now = round(services.platform.clock() * 1000)

    def read(database: Database) -> list[DxConnection]:
        headers = routing_profiles.header_names(database, scope)
        profiles = routing_profiles.list_routing_profiles(database, scope)
        return [
            *(_of_flow(each) for each in flows.list_connections(database, scope, now)),
            *(_of_profile(each, headers) for each in profiles if not str(each.id).endswith(_BUILT_IN)),
        ]

    return (await services.read(read))[query.part]


@DX.get("/connections/{connectionId}")
async def get_connection(connection_id: str, services: Services, scope: Scope) -> DxConnection:
    now = round(services.platform.clock() * 1000)

    def read(database: Database) -> DxConnection:
        if not connection_id.startswith(_OF_PROFILE):
            return _of_flow(flows.get_connection(database, scope, connection_id, now))
        ref = _own_profile(database, scope, connection_id)
        profile = routing_profiles.get_routing_profile(database, scope, ref)
        return _of_profile(profile, routing_profiles.header_names(database, scope))

    return await services.read(read)


@DX.post("/connections", status=201)
async def create_connection(services: Services, scope: Scope, body: NewConnection) -> DxConnection:
    """Have an application server: its route, by which devices name it, has the name of the connection."""
    configuration = _configuration(body)
    if body.name is None:
        raise MissingField("name is mandatory")
    if configuration.destinationURL is None:
        raise MissingField("configuration.destinationURL is mandatory")
    headers = await given_headers(services, scope, None, configuration.headers or {}, "configuration.headers")
    profile = RoutingProfile(name=body.name, routes=[_route(configuration, configuration.destinationURL)])
    made = await create_profile(services, scope, profile, headers)
    return await get_connection(str(made.id), services, scope)


@DX.put("/connections/{connectionId}")
async def update_connection(
    connection_id: str,
    request: Request,
    services: Services,
    scope: Scope,
    body: NewConnection,
) -> DxConnection:
    """Change what is given; a key that is not given stays."""
    configuration = _configuration(body)
    ref = await _ref(services, scope, connection_id)
    profile = RoutingProfile(name=body.name or UNSET)
    if configuration.destinationURL is not None:
        profile.routes = [_route(configuration, configuration.destinationURL)]
    headers = await given_headers(services, scope, ref, configuration.headers, "configuration.headers")
    await change_profile(ref, request, services, scope, profile, headers)
    return await get_connection(connection_id, services, scope)


@DX.delete("/connections/{connectionId}")
async def delete_connection(connection_id: str, services: Services, scope: Scope) -> None:
    """Only where no device uses it."""
    await delete_routing_profile(await _ref(services, scope, connection_id), services, scope)


async def _ref(services: Services, scope: Scope, connection_id: str) -> str:
    """The routing profile of a connection that is to change."""
    if not connection_id.startswith(_OF_PROFILE):
        await get_connection(connection_id, services, scope)
        raise InvalidField(
            "connection {id} is one of flows; change it with /api/v1/connections/{id}", id=connection_id[:20]
        )
    return await services.read(lambda database: _own_profile(database, scope, connection_id))


def _own_profile(database: Database, scope: Scope, identifier: str) -> str:
    for each in routing_profiles.list_routing_profiles(database, scope, identifier):
        if not identifier.endswith(_BUILT_IN):
            return str(each.ref)
    raise NotFound("Connection", identifier)


def _configuration(body: NewConnection) -> HttpConfiguration:
    if body.connectorId not in (None, _HTTP):
        raise InvalidField(
            "connectorId must be {http}; other kinds are made with POST /api/v1/connections", http=_HTTP
        )
    return body.configuration or HttpConfiguration()


def _route(configuration: HttpConfiguration, address: str) -> Route:
    return Route(
        contentType="JSON",
        asId=configuration.downlinkAsId or UNSET,
        asKey=configuration.downlinkAsKey or UNSET,
        addresses=[address],
    )
