"""The sign-in of ThingPark's OSS before it had OAuth, as programs of that time ask for it: user name and
password give a first token, that gives an access code, and that a session, whose token is a parameter of all
that follows. All three are access tokens of the user; the first two end soon."""

from __future__ import annotations

from typing import Annotated

import msgspec

from veldnet.api.errors import GatewayError
from veldnet.api.query import Parameter
from veldnet.api.routers import PUBLIC
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import Forbidden, MissingField
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts

from .bearer import OSS_BASE
from .oauth import verify_user
from .token_form import new_token

_ADMINS = "/thingpark/smp/rest/admins"
# Seconds for which the first token and an access code are valid.
_SOON = 300
_LARGEST = 16_384


class OssCredentials(msgspec.Struct, frozen=True):
    login: str = ""
    password: str = ""


class OssFirst(msgspec.Struct, frozen=True):
    """Who has signed in."""

    thingparkID: str
    sessionToken: str


class OssModule(msgspec.Struct, frozen=True):
    """What a session is wanted for."""

    subscriberID: str = ""
    supplierID: str = ""
    moduleID: str = ""


class OssAccessCode(msgspec.Struct, frozen=True):
    accessCode: str


class OssSubscription(msgspec.Struct, frozen=True):
    """`href` is where the subscriber's resources are, below the base of OSS."""

    href: str


class OssUser(msgspec.Struct, frozen=True):
    ID: str
    login: str
    name: str


class OssSession(msgspec.Struct, frozen=True):
    """A session; `now` is the server's clock in Unix milliseconds."""

    sessionToken: str
    subscription: OssSubscription
    user: OssUser
    now: int


class WithToken(msgspec.Struct, frozen=True):
    sessionToken: Annotated[str, Parameter("The token of the step before.")] = ""


class WithCode(msgspec.Struct, frozen=True):
    adminAccessCode: Annotated[str, Parameter("The access code.")] = ""
    type: Annotated[str, Parameter("SUBSCRIBER.")] = "SUBSCRIBER"


@PUBLIC.post(f"{_ADMINS}/login", max_body=_LARGEST)
async def first_step(request: Request, services: Services, body: OssCredentials) -> OssFirst:
    if not body.login or not body.password:
        raise MissingField("login and password are mandatory")
    user_ref = await verify_user(request, services, body.login, body.password)
    scope = await services.read(lambda c: accounts.scope_of_user(c, user_ref))
    if scope is None:
        raise GatewayError(401, "The user was removed or suspended")
    return OssFirst(_identifier(scope), await _token(services, scope, _SOON))


@PUBLIC.post(f"{_ADMINS}/{{thingparkId}}/accessCode", max_body=_LARGEST)
async def second_step(
    thingpark_id: str, services: Services, query: WithToken, body: OssModule
) -> OssAccessCode:
    scope = await _scope(services, query.sessionToken)
    if thingpark_id != _identifier(scope):
        raise Forbidden("this is the ID of another user")
    if body.supplierID:
        raise Forbidden(
            "base stations are the operator's: use an API key of one of its users in place of this"
        )
    if body.subscriberID and body.subscriberID != scope.customer_id:
        raise Forbidden("subscriberID is not that of the user")
    return OssAccessCode(await _token(services, scope, _SOON))


@PUBLIC.get(f"{OSS_BASE}/customers")
async def session(services: Services, query: WithCode) -> OssSession:
    """The session of an access code, which serves once."""
    if query.type != "SUBSCRIBER":
        raise Forbidden(
            "base stations are the operator's: use an API key of one of its users in place of this"
        )
    scope = await _scope(services, query.adminAccessCode)
    if not await _revoke(services, query.adminAccessCode):
        raise GatewayError(401, "The access token is invalid or has expired; get a new one")
    return OssSession(
        await _token(services, scope, int(services.settings.token_lifetime)),
        OssSubscription("/subscriptions/mine"),
        OssUser(str(scope.user_ref), scope.username, scope.display_name),
        round(services.platform.clock() * 1000),
    )


@PUBLIC.get(f"{OSS_BASE}/customers/logout")
async def end_session(services: Services, query: WithToken) -> None:
    """The token is of no use any more."""
    await _revoke(services, query.sessionToken)


def _identifier(scope: Scope) -> str:
    return f"tpk-{scope.user_ref}"


async def _scope(services: Services, token: str) -> Scope:
    """Who has a token. Raises `GatewayError`."""
    bearer = await services.tokens.bearer(token) if token else None
    if bearer is None or bearer.scope is None or bearer.project_ref is not None or accounts.is_api_key(token):
        raise GatewayError(401, "The access token is invalid or has expired; get a new one")
    return bearer.scope


async def _token(services: Services, scope: Scope, lifetime: int) -> str:
    text = new_token(services, scope.username, [f"SUBSCRIBER:{scope.customer_id}"], lifetime)
    return await services.write(
        lambda c: accounts.issue_token(
            c, lifetime, user_ref=scope.user_ref, client_id=scope.username, token=text
        )
    )


async def _revoke(services: Services, token: str) -> bool:
    """End a token; returns whether there was one."""
    ended = await services.write(lambda c: accounts.revoke_token(c, token))
    services.tokens.forget()
    return ended
