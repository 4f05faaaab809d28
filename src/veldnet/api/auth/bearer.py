"""Authenticates requests before they reach the platform.

A program shows a bearer token or a personal API key, a browser the cookie of its session. The cookie is of no
use to other sites: it is not sent along with their requests (SameSite=Strict), and changes need a second
token that they cannot read."""

from __future__ import annotations

from typing import Literal

from veldnet.api.errors import GatewayError, set_language
from veldnet.api.query import parameter
from veldnet.api.rate_limit import RateLimiter
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import Forbidden, ReadOnly, SecondFactorNeeded
from veldnet.domain.scope import OperatorScope, Scope, may_change, may_manage
from veldnet.inventory import accounts
from veldnet.inventory.accounts import Bearer, Session
from veldnet.monitoring.logger import Whose

from .sessions import COOKIE

API_VERSIONS = ("v1.2", "v1.1.1")
LATEST = API_VERSIONS[0]
# Whom an operator's user works for.
SUBSCRIBER_HEADER = "x-subscriber"

# Programs of ThingPark's OSS before it had OAuth have their token in a parameter, on its paths alone.
OSS_BASE = "/thingpark/wireless/rest"
SESSION_PARAMETER = "sessionToken"

_CHALLENGE = {"www-authenticate": 'Bearer realm="veldnet"'}
_LOOKING = ("GET", "HEAD", "OPTIONS")


async def require_bearer(request: Request, services: Services) -> Bearer:
    """The holder of the request's token, within its quota. Raises `GatewayError`."""
    _check_version(request)
    kind, _blank, token = request.headers.get("authorization", f"Bearer {_session_token(request)}").partition(
        " "
    )
    if kind.lower() != "bearer" or not token.strip():
        raise GatewayError(401, "A bearer token is missing; send Authorization: Bearer <token>", _CHALLENGE)
    bearer = await services.tokens.bearer(token.strip())
    if bearer is None:
        raise GatewayError(401, "The access token is invalid or has expired; get a new one", _CHALLENGE)
    _take(request, services.requests, bearer.account)
    return bearer


def _check_version(request: Request) -> None:
    version = request.headers.get("api-version")
    if version is not None and version not in API_VERSIONS:
        raise GatewayError(
            400,
            "api-version {version!r} is unknown; use {known}",
            version=version[:40],
            known=" or ".join(API_VERSIONS),
        )


def _take(request: Request, limiter: RateLimiter, account: str) -> None:
    quota = limiter.take(account)
    if quota is not None:
        request.scope["state"]["quota"] = quota.headers
        if not quota.allowed:
            raise GatewayError(
                429, "More than {rate:g} requests per second; reduce the request rate", rate=limiter.rate
            )


def from_browser(request: Request) -> bool:
    """Whether a request comes with a session's cookie. A token, where there is one, counts alone."""
    has_token = "authorization" in request.headers or _session_token(request)
    return not has_token and COOKIE in request.cookies


def _session_token(request: Request) -> str:
    """The token of a session of OSS."""
    return parameter(request, SESSION_PARAMETER) if request.path.startswith(f"{OSS_BASE}/") else ""


async def require_entering(request: Request, services: Services) -> Session:
    """Who is signed in, perhaps without the second factor yet. Raises `GatewayError`, also for a change
    without the page's own token."""
    _check_version(request)
    token = request.cookies.get(COOKIE, "")
    session = await services.sessions.session(token) if token else None
    if session is None:
        raise GatewayError(401, "Not signed in, or the session has expired; sign in", _CHALLENGE)
    set_language(request, session.language)
    if request.method not in _LOOKING:
        given = request.headers.get("x-csrf-token", "")
        if not accounts.csrf_fits(token, given):
            raise GatewayError(403, "x-csrf-token is missing or does not match the session; reload the page")
    _take(request, services.console_requests, session.account)
    return session


def missing_factor(services: Services, session: Session) -> Literal["", "code", "setup"]:
    """What a session lacks: the code of the user's second factor, or one set up where the role needs one."""
    if session.verified:
        return ""
    if session.enrolled:
        return "code"
    kind = "operator" if session.operator is not None else session.role
    return "setup" if kind in services.platform.settings.sign_in.second_factor else ""


async def require_session(request: Request, services: Services) -> Session:
    """Who is signed in, with the second factor where one is needed. Raises `GatewayError`, and
    `SecondFactorNeeded`."""
    session = await require_entering(request, services)
    missing = missing_factor(services, session)
    if missing == "code":
        raise SecondFactorNeeded("enter the code of your second factor first")
    if missing == "setup":
        raise SecondFactorNeeded("your role needs a second factor; set one up first")
    return session


def _check_role(request: Request, role: str, looking: bool) -> None:
    if not may_change(role) and not looking and request.method not in _LOOKING:
        raise ReadOnly


async def require_scope(request: Request, services: Services, *, looking: bool = False) -> Scope:
    """The subscriber a request is for; `looking` is for requests that change nothing though they are no GET.
    Raises `GatewayError` for a project that is not activated, `ReadOnly` for who may only look."""
    if from_browser(request):
        session = await require_session(request, services)
        scope = session.scope or await _acting(request, services, session.operator)
    else:
        bearer = await require_bearer(request, services)
        if bearer.operator is not None:
            scope = await _acting(request, services, bearer.operator)
            _check_role(request, scope.role, looking)
            return scope
        if bearer.scope is None:
            raise GatewayError(
                403,
                "This project is not activated, or its user or customer is suspended; POST /activate with "
                "ThingPark credentials",
            )
        scope = bearer.scope
    _check_role(request, scope.role, looking)
    return scope


async def _acting(request: Request, services: Services, operator: OperatorScope | None) -> Scope:
    """An operator's user works for the subscriber that the request names."""
    customer_id = request.headers.get(SUBSCRIBER_HEADER, "")
    if operator is None or not customer_id:
        raise Forbidden(
            "an operator's user names the subscriber to work for: {subscriber_header}: <customer id>",
            subscriber_header=SUBSCRIBER_HEADER,
        )
    return await services.read(lambda c: accounts.acting_for(c, operator, customer_id))


async def require_operator(request: Request, services: Services, *, looking: bool = False) -> OperatorScope:
    """The operator whose user is signed in, or has shown an API key. Raises `Forbidden` for users of
    subscribers, `GatewayError` for tokens of projects."""
    if "authorization" in request.headers:
        bearer = await require_bearer(request, services)
        if bearer.project_ref is not None:
            raise GatewayError(401, "This needs a session or an API key of an operator's user", _CHALLENGE)
        operator = bearer.operator
    else:
        operator = (await require_session(request, services)).operator
    if operator is None:
        raise Forbidden("this is for the operator of the network")
    _check_role(request, operator.role, looking)
    return operator


async def require_station_access(
    request: Request, services: Services, *, looking: bool = False
) -> OperatorScope:
    """An operator's user who may run commands and open shells on base stations. Raises `Forbidden`."""
    operator = await require_operator(request, services, looking=looking)
    if not operator.station_access:
        raise Forbidden(
            "this needs access to base stations; an administrator gives it at the command line, and an API "
            "key has it with the scope stations"
        )
    if not may_change(operator.role):
        raise ReadOnly
    return operator


async def require_administrator(request: Request, services: Services) -> Scope:
    """An administrator of a subscriber, or an operator's user who works for it. Raises `Forbidden`."""
    scope = await require_scope(request, services)
    if not may_manage(scope.role):
        raise Forbidden("this is for administrators; ask for the role administrator")
    return scope


def require_own_page(request: Request) -> None:
    """Nobody is signed in by another site's page. Raises `GatewayError`."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise GatewayError(403, "Signing in from another site is not allowed; use the console's page")
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise GatewayError(400, "The body must be application/json")


async def require_view(request: Request, services: Services) -> Whose:
    """Whose frames a request is for: an operator's user who names no subscriber sees all of the
    operator's."""
    if not request.headers.get(SUBSCRIBER_HEADER):
        if from_browser(request):
            session = await services.sessions.session(request.cookies.get(COOKIE, ""))
            of_operator = session is not None and session.operator is not None
        else:
            token = request.headers.get("authorization", "").partition(" ")[2].strip()
            bearer = await services.tokens.bearer(token) if accounts.is_api_key(token) else None
            of_operator = bearer is not None and bearer.operator is not None
        if of_operator:
            operator = await require_operator(request, services)
            return Whose(operator.operator_ref)
    scope = await require_scope(request, services)
    return Whose(scope.operator_ref, scope.subscriber_ref)


def legacy(request: Request) -> bool:
    """Whether the caller asked for the legacy interface, which knows no HSM."""
    return request.headers.get("api-version") == "v1.1.1"
