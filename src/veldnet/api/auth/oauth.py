"""Token endpoints: KPN's, ThingPark DX Admin's and the one of newer platforms."""

from __future__ import annotations

import base64
import binascii
import re
import time
from typing import Any
from urllib.parse import parse_qsl, unquote

from veldnet.api.body import read_body
from veldnet.api.errors import GatewayError
from veldnet.api.routers import DX_TOKENS, PUBLIC
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.scope import UserRef
from veldnet.inventory import accounts
from veldnet.inventory.accounts import Project

from .token_form import new_token

_INFINITE = 10 * 365 * 86_400
_VALIDITY = re.compile(r"(\d{1,6})(s|m|h|days|d)?")
# A prefix and a user name.
_LONGEST_CLIENT_ID = 512
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "days": 86_400}


async def _form(request: Request, services: Services) -> dict[str, str]:
    """Parameters of query and form body; the body wins."""
    raw = await read_body(request, min(services.settings.max_body, 16_384))
    parameters = dict(request.query_params)
    try:
        parameters |= dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=50))
    except (UnicodeDecodeError, ValueError):
        raise GatewayError(400, "The body must be application/x-www-form-urlencoded") from None
    return {name: str(value) for name, value in parameters.items()}


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret from the body, or from HTTP Basic."""
    if "client_id" in form and "client_secret" in form:
        return form["client_id"], form["client_secret"]
    kind, _blank, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            identifier, _colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
            return unquote(identifier), unquote(secret)
        except (binascii.Error, UnicodeDecodeError):
            pass
    raise GatewayError(401, "client_id and client_secret are missing; send both in the form body")


def _check_grant(form: dict[str, str]) -> None:
    grant = form.get("grant_type")
    if grant != "client_credentials":
        raise GatewayError(400, "grant_type must be client_credentials")


@PUBLIC.post("/oauth/client_credential/accesstoken")
async def kpn_token(request: Request, services: Services) -> dict[str, Any]:
    """A project's token, in the form of KPN's gateway: numbers are strings."""
    form = await _form(request, services)
    _check_grant(form)
    client_id, secret = _credentials(request, form)

    async def attempt() -> Project | None:
        return await services.read(lambda c: accounts.authenticate_project(c, client_id, secret))

    project = await services.secrets.check(request, f"project {client_id}", attempt)
    if project is None:
        raise GatewayError(401, "client_id or client_secret is wrong")
    lifetime = int(services.settings.token_lifetime)
    text = new_token(services, client_id, [], lifetime)
    token = await services.write(
        lambda c: accounts.issue_token(c, lifetime, project_ref=project.ref, client_id=client_id, token=text)
    )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": str(lifetime),
        "issued_at": str(int(time.time() * 1000)),
        "client_id": client_id,
        "scope": "",
        "status": "approved",
    }


@DX_TOKENS.post("/token")
@PUBLIC.post("/users-auth/protocol/openid-connect/token")
async def user_token(request: Request, services: Services) -> dict[str, Any]:
    """A ThingPark user's token: `client_id` is `<profile>/<login>` or the login, the secret its password."""
    form = await _form(request, services)
    _check_grant(form)
    client_id, secret = _credentials(request, form)
    # Nobody's, and it is kept with the token.
    if len(client_id) > _LONGEST_CLIENT_ID or not client_id.isprintable():
        raise GatewayError(401, "ThingPark user name or password is wrong")
    login = client_id.rsplit("/", 1)[-1]
    lifetime = _lifetime(form.get("validityPeriod"), int(services.settings.token_lifetime))
    user_ref = await verify_user(request, services, login, secret)
    scope = await services.read(lambda c: accounts.scope_of_user(c, user_ref))
    if scope is None:
        raise GatewayError(401, "The user was removed or suspended")
    text = new_token(services, client_id, [f"SUBSCRIBER:{scope.customer_id}"], lifetime)
    token = await services.write(
        lambda c: accounts.issue_token(c, lifetime, user_ref=user_ref, client_id=client_id, token=text)
    )
    return {
        "access_token": token,
        "token_type": "bearer",
        "expires_in": lifetime,
        "client_id": client_id,
        "customer_id": scope.customer_id,
        "operator_id": str(scope.operator_ref),
        "scope": "SUBSCRIBER",
    }


def _lifetime(period: str | None, default: int) -> int:
    """Seconds of a `validityPeriod` such as `infinite`, `90days` or `3600`."""
    if not period:
        return default
    if period == "infinite":
        return _INFINITE
    found = _VALIDITY.fullmatch(period)
    if found is None:
        raise GatewayError(400, "validityPeriod must look like infinite, 90days or 3600")
    return max(1, min(int(found[1]) * _UNITS[found[2]], _INFINITE))


async def verify_user(request: Request, services: Services, username: str, password: str) -> int:
    """Reference of the user with this password. Raises `GatewayError`; wrong ones are limited."""

    async def attempt() -> int | None:
        found = await services.read(lambda c: accounts.password_hash_of(c, username))
        known = None if found is None else found[1]
        fits = await services.secrets.hash(accounts.password_fits, known, password)
        return found[0] if fits and found is not None else None

    user_ref = await services.secrets.check(request, username, attempt)
    if user_ref is None:
        raise GatewayError(401, "ThingPark user name or password is wrong")
    await _refuse_second_factor(services, user_ref)
    return user_ref


async def _refuse_second_factor(services: Services, user_ref: int) -> None:
    """A password alone is no more than a part of the credentials of a user with a second factor."""
    has_one = await services.read(lambda c: accounts.has_second_factor(c, UserRef(user_ref)))
    scope = await services.read(lambda c: accounts.scope_of_user(c, user_ref))
    if has_one or (scope is not None and scope.role in services.platform.settings.sign_in.second_factor):
        raise GatewayError(
            403,
            "This user signs in with a second factor, so the password alone is not enough; use a personal "
            "API key, or a user for programs without one",
        )


def _token_of(request: Request) -> str:
    return request.query_params.get("access_token", "")


@DX_TOKENS.get("/tokeninfo")
async def token_info(request: Request, services: Services) -> dict[str, Any]:
    """What a token stands for."""
    bearer = await services.tokens.bearer(_token_of(request))
    if bearer is None or bearer.scope is None:
        raise GatewayError(401, "The access token is invalid or has expired; get a new one")
    return {
        "client_id": bearer.client_id or bearer.scope.username,
        "customer_id": bearer.scope.customer_id,
        "operator_id": str(bearer.scope.operator_ref),
        "expires_in": max(0, bearer.expires_at // 1000 - int(time.time())),
        "token_type": "bearer",
        "scope": "SUBSCRIBER",
    }


@DX_TOKENS.post("/revoke_token")
async def revoke_token(request: Request, services: Services) -> None:
    token = _token_of(request)
    await services.write(lambda c: accounts.revoke_token(c, token))
    services.tokens.forget()
