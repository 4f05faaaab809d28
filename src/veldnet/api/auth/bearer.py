"""Who calls: the gateway's checks before a request reaches the platform."""

from __future__ import annotations

from typing import Any

from litestar import Request

from veldnet.api.errors import GatewayError
from veldnet.api.services import Services
from veldnet.inventory.accounts import Bearer
from veldnet.inventory.scope import Scope

API_VERSIONS = ("v1.2", "v1.1.1")
LATEST = API_VERSIONS[0]

_CHALLENGE = {"www-authenticate": 'Bearer realm="veldnet"'}


async def require_bearer(request: Request[Any, Any, Any], services: Services) -> Bearer:
    """The holder of the request's token, within its quota. Raises `GatewayError`."""
    version = request.headers.get("api-version")
    if version is not None and version not in API_VERSIONS:
        raise GatewayError(400, f"api-version {version[:40]!r} is unknown; use {' or '.join(API_VERSIONS)}")
    kind, _blank, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise GatewayError(401, "A bearer token is missing; send Authorization: Bearer <token>", _CHALLENGE)
    bearer = await services.tokens.bearer(token.strip())
    if bearer is None:
        raise GatewayError(401, "The access token is invalid or has expired; get a new one", _CHALLENGE)
    quota = services.requests.take(bearer.account)
    if quota is not None:
        request.state["quota"] = quota.headers
        if not quota.allowed:
            raise GatewayError(429, f"More than {services.requests.rate:g} requests a second; slow down")
    return bearer


async def require_scope(request: Request[Any, Any, Any], services: Services) -> Scope:
    """The subscriber a request is for. Raises `GatewayError` for a project that is not activated."""
    bearer = await require_bearer(request, services)
    if bearer.scope is None:
        raise GatewayError(403, "This project is not activated; POST /activate with ThingPark credentials")
    return bearer.scope


def legacy(request: Request[Any, Any, Any]) -> bool:
    """Whether the caller asked for the legacy interface, which knows no HSM."""
    return request.headers.get("api-version") == "v1.1.1"
