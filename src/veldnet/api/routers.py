"""The routers of the API. An operation belongs to one, which says where it is served and who may call it; its
handler is written below it:

    @SUBSCRIBER.get("/alarms", "listAlarms", "Alarm", "Alarms of all devices.")
    async def list_alarms(services: Services, scope: Scope, query: AlarmFilter) -> AlarmPage:

The parameters of a handler are found by their names: `services`, `request`, the caller as its router names
it, those of the path, `query` (a struct, see `query`) and `body` (a struct, a dict or bytes)."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypedDict, TypeVar, Unpack

from veldnet.asgi import Request
from veldnet.domain.scope import OperatorScope, Scope
from veldnet.inventory.accounts import Bearer, Session
from veldnet.monitoring.logger import Whose

from .auth.bearer import (
    OSS_BASE,
    require_administrator,
    require_bearer,
    require_entering,
    require_operator,
    require_own_page,
    require_scope,
    require_session,
    require_station_access,
    require_view,
)
from .description.operation import Access, Handler, Operation
from .services import Services

F = TypeVar("F", bound=Handler)

KPN_BASE = "/data/lora/thingpark"
V1_BASE = "/api/v1"


class Options(TypedDict, total=False):
    """What `Operation` says of these fields."""

    status: int
    media: str
    result: Any
    conditional: bool
    read_only: bool
    refusals: tuple[int, ...]
    max_body: int | Callable[[Services], int]


class Router:
    """Operations under the same paths for the same callers. Where `compressed`, no answer to a GET may hold a
    secret (see `compression`)."""

    def __init__(self, name: str, access: Access, *bases: str, compressed: bool = False) -> None:
        self.name = name
        self.access = access
        self.bases = bases
        self.compressed = compressed
        self.operations: list[Operation] = []

    def get(self, path: str, *description: str, **options: Unpack[Options]) -> Callable[[F], F]:
        return self._operation("get", path, description, options)

    def post(self, path: str, *description: str, **options: Unpack[Options]) -> Callable[[F], F]:
        return self._operation("post", path, description, options)

    def put(self, path: str, *description: str, **options: Unpack[Options]) -> Callable[[F], F]:
        return self._operation("put", path, description, options)

    def delete(self, path: str, *description: str, **options: Unpack[Options]) -> Callable[[F], F]:
        return self._operation("delete", path, description, Options(status=204) | options)

    def _operation(
        self, method: str, path: str, description: tuple[str, ...], options: Options
    ) -> Callable[[F], F]:
        """`description` is id, tag and summary, or nothing; without them it is not described."""
        identifier, tag, summary = description or ("", "", "")

        def register(handler: F) -> F:
            operation = Operation(
                method=method,
                path=path,
                id=identifier,
                tag=tag,
                summary=summary,
                handler=handler,
                access=self.access,
                **options,
            )
            self.operations.append(operation)
            return handler

        return register


async def _scope(request: Request, services: Services, read_only: bool) -> Scope:
    return await require_scope(request, services, looking=read_only)


async def _operator(request: Request, services: Services, read_only: bool) -> OperatorScope:
    return await require_operator(request, services, looking=read_only)


async def _station_access(request: Request, services: Services, read_only: bool) -> OperatorScope:
    return await require_station_access(request, services, looking=read_only)


async def _session(request: Request, services: Services, _read_only: bool) -> Session:
    return await require_session(request, services)


async def _entering(request: Request, services: Services, _read_only: bool) -> Session:
    return await require_entering(request, services)


async def _administrator(request: Request, services: Services, _read_only: bool) -> Scope:
    return await require_administrator(request, services)


async def _bearer(request: Request, services: Services, _read_only: bool) -> Bearer:
    return await require_bearer(request, services)


async def _view(request: Request, services: Services, _read_only: bool) -> Whose:
    return await require_view(request, services)


async def _own_page(request: Request, _services: Services, _read_only: bool) -> None:
    require_own_page(request)


_SCOPE = Access("scope", Scope, _scope)
_OPERATOR = Access("operator", OperatorScope, _operator, ("session", "apiKey"))
_NOBODY = Access("", None, None, ())

# Subscribers: projects and users with a token, and who is signed in.
KPN = Router("kpn", _SCOPE, KPN_BASE, compressed=True)
# KPN's operations on ThingPark's paths; those here take the place of KPN's there.
DX = Router("dx", _SCOPE, "/thingpark/dx/core/{version}/api", "/core/{version}/api", compressed=True)
OSS = Router("oss", _SCOPE, OSS_BASE)
SUBSCRIBER = Router("subscriber", _SCOPE, V1_BASE, compressed=True)
# Administrators of a subscriber: its users.
ADMINISTRATOR = Router("administrator", Access("scope", Scope, _administrator), V1_BASE, compressed=True)
# Subscribers, and operators who see the frames of all of theirs.
VIEWER = Router("viewer", Access("of", Whose, _view), V1_BASE, compressed=True)
# Projects that may not be activated yet.
PROJECT = Router("project", Access("bearer", Bearer, _bearer), KPN_BASE)
# Who has no session yet; user name and password are in the body.
SIGN_IN = Router("sign in", Access("", None, _own_page, ()), V1_BASE)
# Who is signed in, perhaps without the second factor yet.
ENTERING = Router("entering", Access("session", Session, _entering, ("session",)), V1_BASE)
# Who is signed in.
SESSION = Router("session", Access("session", Session, _session, ("session",)), V1_BASE)
OPERATOR = Router(
    "operator",
    _OPERATOR,
    f"{V1_BASE}/operator",
    compressed=True,
)
# Operators' users who may do on base stations whatever can be done there.
STATION_ACCESS = Router(
    "station access",
    Access("operator", OperatorScope, _station_access, ("session", "apiKey")),
    *OPERATOR.bases,
)
# A subscriber's users on ThingPark's paths.
DX_ADMINISTRATOR = Router("dx administrator", ADMINISTRATOR.access, *DX.bases, compressed=True)
# Base stations on ThingPark's paths: they are the operator's, so that projects do not see them.
DX_OPERATOR = Router(
    "dx operator",
    _OPERATOR,
    *DX.bases,
    compressed=True,
)
OSS_OPERATOR = Router(
    "oss operator",
    _OPERATOR,
    *OSS.bases,
    compressed=True,
)
# Application servers: each downlink is signed with the key of its routing profile.
TUNNEL = Router("tunnel", _NOBODY, "/thingpark/lrc/rest")
# Everybody: here credentials are checked, or nothing is to be kept from anybody.
PUBLIC = Router("public", _NOBODY, "")
# The same, and loaded before the others.
PROBES = Router("probes", _NOBODY, "")
DX_TOKENS = Router(
    "dx tokens", _NOBODY, "/thingpark/dx/admin/{version}/api/oauth", "/admin/{version}/api/oauth"
)

_ALL = (
    KPN,
    PROJECT,
    DX,
    OSS,
    SIGN_IN,
    ENTERING,
    SESSION,
    SUBSCRIBER,
    ADMINISTRATOR,
    VIEWER,
    OPERATOR,
    STATION_ACCESS,
    DX_ADMINISTRATOR,
    DX_OPERATOR,
    OSS_OPERATOR,
    TUNNEL,
    PUBLIC,
    PROBES,
    DX_TOKENS,
)
_PACKAGES = ("auth", "kpn", "oss", "tunnel", "v1", "v1.operator")


def modules_of_operations() -> Iterator[str]:
    """The modules below this package that have operations; the packages around them are loaded on the way."""
    root = __package__ or ""
    for name in _PACKAGES:
        package = importlib.import_module(f"{root}.{name}")
        for module in pkgutil.iter_modules(package.__path__):
            yield f"{package.__name__}.{module.name}"
    for name in ("public", "probes"):
        yield f"{root}.{name}"


@cache
def routers() -> tuple[Router, ...]:
    """All routers, with the operations of every module below this package."""
    for name in modules_of_operations():
        importlib.import_module(name)
    for router in _ALL:
        # Whoever imports whom first, they are described in one order.
        router.operations.sort(key=lambda each: each.handler.__module__)
    return _ALL
