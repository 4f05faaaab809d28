"""Application servers on the paths of ThingPark's OSS. Each is a routing profile with a route for each of
its destinations, all of one content type and under one key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api.auth.bearer import SESSION_PARAMETER
from veldnet.api.kpn.routing_headers import given_headers
from veldnet.api.kpn.routing_profiles import change_profile, create_profile, delete_routing_profile
from veldnet.api.query import Parameter, refuse_others
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest, MissingField, NotFound
from veldnet.domain.resources import Route, RoutingProfile, Strategy
from veldnet.domain.scope import Scope
from veldnet.inventory import routing_profiles
from veldnet.inventory.flows import HIDDEN

from .catalogues import OssPage
from .devices import AS_SUFFIX
from .shapes import MINE, href, known, oss_names

_PATH = f"{MINE}/appServers"
_ONE = f"{_PATH}/{{appServerUid}}"
_BUILT_IN = ".dummy"


class Destination(msgspec.Struct):
    """Where uplinks of some ports go."""

    addresses: list[str]
    ports: str = "*"
    strategy: Strategy = "SEQUENTIAL"


class Security(msgspec.Struct, omit_defaults=True):
    """How messages are signed; the key is accepted and never returned. Without a deviation in seconds, or
    with 0, the age of a downlink does not matter."""

    status: Literal["DOWNLINK_AS_KEY", "NONE"] = "NONE"
    asID: str | None = None
    downlinkAsKey: str | None = None
    maxTimestampDeviation: int | None = None


class Header(msgspec.Struct):
    """A header of the requests to an application server; values are shown as `*****`, and sent back like that
    they stay."""

    name: str
    value: str


class AppServer(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An application server."""

    ID: str | None = None
    uid: str | None = None
    href: str | None = None
    name: str | None = None
    type: str | None = None
    contentType: str | None = None
    destinations: list[Destination] | None = None
    downlinkSecurity: Security | None = None
    customHttpHeaders: list[Header] | None = None
    state: str | None = None


class AppServers(msgspec.Struct):
    """A page of application servers."""

    briefs: list[AppServer]
    more: bool


class AppServerFilter(OssPage, frozen=True):
    """Which application servers."""

    name: Annotated[str | None, Parameter("How their names begin.")] = None
    ID: Annotated[str | None, Parameter("How their IDs begin.")] = None

    def fits(self, server: AppServer) -> bool:
        return str(server.name).lower().startswith((self.name or "").lower()) and str(server.ID).startswith(
            self.ID or ""
        )


def _shown(profile: RoutingProfile, headers: Mapping[int, Sequence[str]]) -> AppServer:
    routes = known(profile.routes) or []
    first: Route = routes[0] if routes else Route()
    security = Security()
    if first.asId is not UNSET:
        security = Security("DOWNLINK_AS_KEY", str(first.asId), None, known(first.maxDeviation))
    return AppServer(
        ID=f"{profile.id}{AS_SUFFIX}",
        uid=str(profile.ref),
        href=href(f"/appServers/{profile.ref}"),
        name=str(profile.name),
        type="HTTP",
        contentType="json" if first.contentType == "JSON" else "xml",
        destinations=[
            Destination(list(known(each.addresses) or ()), str(each.sourcePorts), known(each.strategy))
            for each in routes
        ],
        downlinkSecurity=security,
        customHttpHeaders=[Header(name, HIDDEN) for name in headers.get(int(str(profile.ref)), ())] or None,
        state="ACTIVE",
    )


def _uid(app_server_uid: str) -> str:
    """The number of the routing profile: a path has it, or the ID."""
    return app_server_uid.removesuffix(AS_SUFFIX).rpartition(".")[2]


async def _read(services: Services, scope: Scope, uid: str) -> AppServer:
    def read(connection: Connection) -> AppServer:
        found = routing_profiles.get_routing_profile(connection, scope, uid)
        return _shown(found, routing_profiles.header_names(connection, scope))

    return await services.read(read)


async def _named(services: Services, scope: Scope, app_server_uid: str) -> AppServer:
    """The one that a path names, by its number or by all of its ID."""
    found = await _read(services, scope, _uid(app_server_uid))
    if app_server_uid not in (found.uid, found.ID):
        raise NotFound("RoutingProfile", app_server_uid)
    return found


@OSS.get(_PATH)
async def list_servers(
    request: Request, services: Services, scope: Scope, query: AppServerFilter
) -> AppServers:
    """The subscriber's application servers."""
    refuse_others(request, AppServerFilter, SESSION_PARAMETER)

    def read(connection: Connection) -> list[AppServer]:
        names = routing_profiles.header_names(connection, scope)
        listed = routing_profiles.list_routing_profiles(connection, scope)
        return [_shown(each, names) for each in listed if not str(each.id).endswith(_BUILT_IN)]

    shown = await services.read(read)
    found = [each for each in shown if query.fits(each)]
    return AppServers(found[query.part], query.more(len(found)))


@OSS.get(_ONE)
async def get_server(app_server_uid: str, services: Services, scope: Scope) -> AppServer:
    return await _named(services, scope, app_server_uid)


def _profile(body: AppServer, before: AppServer | None) -> RoutingProfile:
    """The routing profile that is meant; what is not given stays. Raises `BadRequest`."""
    if body.contentType not in (None, "xml", "json"):
        raise BadRequest("contentType must be xml or json")
    if body.type not in (None, "HTTP"):
        raise BadRequest("type must be HTTP; other kinds are connections (POST /api/v1/connections)")
    destinations, security = body.destinations, body.downlinkSecurity
    kind = body.contentType
    if before is not None:
        destinations = before.destinations if destinations is None else destinations
        security = before.downlinkSecurity if security is None else security
        kind = kind or before.contentType
    if not destinations:
        raise MissingField("destinations is mandatory: addresses, ports and strategy of each")
    security = security or Security()
    if security.status == "DOWNLINK_AS_KEY" and security.asID is None:
        raise MissingField("downlinkSecurity.asID is mandatory")
    signed = security.status == "DOWNLINK_AS_KEY"
    routes = [
        Route(
            sourcePorts=each.ports,
            strategy=each.strategy,
            contentType="JSON" if kind == "json" else "XML",
            asId=(security.asID or UNSET) if signed else UNSET,
            asKey=(security.downlinkAsKey or UNSET) if signed else UNSET,
            maxDeviation=(security.maxTimestampDeviation or UNSET) if signed else UNSET,
            addresses=each.addresses,
        )
        for each in destinations
    ]
    return RoutingProfile(name=body.name or UNSET, routes=routes)


def _headers(body: AppServer) -> dict[str, str] | None:
    given = body.customHttpHeaders
    return None if given is None else {each.name: each.value for each in given}


@OSS.post(_PATH, status=201)
async def create_server(services: Services, scope: Scope, body: AppServer) -> AppServer:
    with oss_names():
        headers = await given_headers(services, scope, None, _headers(body), "customHttpHeaders")
        made = await create_profile(services, scope, _profile(body, None), headers)
    return await _read(services, scope, str(made.ref))


@OSS.put(_ONE)
async def update_server(
    app_server_uid: str, request: Request, services: Services, scope: Scope, body: AppServer
) -> AppServer:
    """Change what is given; without a key the one that the application server has stays."""
    before = await _named(services, scope, app_server_uid)
    uid, profile = str(before.uid), _profile(body, before)
    with oss_names():
        headers = await given_headers(services, scope, uid, _headers(body), "customHttpHeaders")
        await change_profile(uid, request, services, scope, profile, headers)
    return await _read(services, scope, uid)


@OSS.delete(_ONE)
async def delete_server(app_server_uid: str, services: Services, scope: Scope) -> None:
    """Only where no device uses it."""
    found = await _named(services, scope, app_server_uid)
    await delete_routing_profile(str(found.uid), services, scope)
