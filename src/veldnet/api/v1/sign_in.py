"""Signing in and out, one's own password and preferences."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.datastructures import Cookie
from sqlalchemy import Connection

from veldnet.api.auth.bearer import require_session
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.body import json_object, read_body, read_resource
from veldnet.api.errors import GatewayError
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import timestamp
from veldnet.inventory import accounts, audit
from veldnet.inventory.accounts import Account, Session
from veldnet.store.schema import operator_users, users


class SignIn(msgspec.Struct):
    """User name and password of a ThingPark user or of an operator's user."""

    username: str
    password: str


class SignedIn(msgspec.Struct):
    """Who is signed in, and until when. `csrfToken` goes into the header x-csrf-token of every change."""

    kind: str
    username: str
    displayName: str
    role: str
    csrfToken: str
    expires: str
    idleSeconds: int
    customerId: str | None = None
    operator: str | None = None
    # Address of map tiles, empty for the built-in outlines.
    tiles: str = ""
    tilesAttribution: str = ""


class PasswordChange(msgspec.Struct):
    """The password there is, and the one to be: 8 to 256 characters."""

    currentPassword: str
    newPassword: str


def _view(services: Services, session: Session, token: str) -> SignedIn:
    console = services.platform.settings.console
    person = session.operator or session.scope
    assert person is not None
    return SignedIn(
        kind="operator" if session.operator is not None else "subscriber",
        username=person.username,
        displayName=person.display_name,
        role=person.role,
        csrfToken=accounts.csrf_token(token),
        expires=timestamp(session.expires_at),
        idleSeconds=int(console.session_idle),
        customerId=None if session.scope is None else session.scope.customer_id,
        operator=None if session.operator is None else session.operator.name,
        tiles=console.tiles,
        tilesAttribution=console.tiles_attribution,
    )


def _cookie(request: Request[Any, Any, Any], value: str, seconds: int) -> Cookie:
    forwarded = request.headers.get("x-forwarded-proto", request.url.scheme)
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=forwarded.split(",")[0].strip() == "https",
    )


def _refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """Nobody is signed in by another site's page."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise GatewayError(403, "Signing in from another site is not allowed; use the console's page")
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise GatewayError(400, "The body must be application/json")


async def _account_of(
    request: Request[Any, Any, Any], services: Services, username: str, password: str
) -> Account | None:
    """The account with this password. Raises `GatewayError` where too many were wrong."""

    async def attempt() -> Account | None:
        account = await services.read(lambda c: accounts.find_account(c, username))
        known = None if account is None else account.password_hash
        return account if await services.secrets.hash(accounts.password_fits, known, password) else None

    return await services.secrets.check(request, username, attempt)


@post("/session", status_code=200)
async def sign_in(request: Request[Any, Any, Any], services: Services) -> Response[SignedIn]:
    """Begin a session: the answer sets its cookie. Guesses are limited for each user and each address."""
    _refuse_other_sites(request)
    body = await read_resource(request, SignIn, 4096)
    account = await _account_of(request, services, body.username, body.password)
    if account is None:
        raise GatewayError(401, "User name or password is wrong")
    lifetime = services.platform.settings.console.session_lifetime
    token = await services.write(lambda c: accounts.open_session(c, account, lifetime))
    session = await services.sessions.session(token)
    if session is None:
        raise GatewayError(401, "The user was removed")
    person = session.operator or session.scope
    assert person is not None
    await services.note(person, "session.opened", f"user {person.username}")
    return Response(
        _view(services, session, token), status_code=200, cookies=[_cookie(request, token, int(lifetime))]
    )


@get("/session")
async def get_session(request: Request[Any, Any, Any], services: Services) -> SignedIn:
    """Who is signed in."""
    session = await require_session(request, services)
    return _view(services, session, request.cookies[COOKIE])


@delete("/session", status_code=204)
async def sign_out(request: Request[Any, Any, Any], services: Services) -> Response[None]:
    """End the session."""
    session = await require_session(request, services)
    await services.write(lambda c: accounts.close_session(c, session.digest))
    services.sessions.forget()
    return Response(None, status_code=204, cookies=[_cookie(request, "", 0)])


@put("/session/password", status_code=204)
async def change_password(request: Request[Any, Any, Any], services: Services) -> None:
    """Change one's own password; it ends all other sessions and tokens of the user, and projects that act as
    the user must be activated again."""
    session = await require_session(request, services)
    body = await read_resource(request, PasswordChange, 4096)
    person = session.operator or session.scope
    assert person is not None
    account = await _account_of(request, services, person.username, body.currentPassword)
    if account is None:
        raise InvalidField("currentPassword is wrong")
    if body.newPassword == body.currentPassword:
        raise InvalidField("newPassword must differ from the current one")
    hashed = await services.secrets.hash(accounts.hash_password, body.newPassword)
    table = operator_users if account.operator else users

    def write(connection: Connection) -> None:
        accounts.set_password(connection, table, account.ref, hashed, keep=session.digest)
        if services.settings.renew_activations and not account.operator:
            accounts.end_activations(connection, account.ref)
        subscriber = None if session.scope is None else session.scope.subscriber_ref
        audit.note(
            connection,
            person.display_name,
            subscriber,
            "user.password",
            f"user {person.username}",
            None,
            person.operator_ref,
        )

    await services.write(write)
    services.sessions.forget()
    services.tokens.forget()


@get("/preferences")
async def get_preferences(request: Request[Any, Any, Any], services: Services) -> Response[bytes]:
    """What the person has set for the console, such as saved views: a JSON object of its own making."""
    session = await require_session(request, services)
    value = await services.read(lambda c: accounts.read_preferences(c, session.account))
    return Response(value, media_type="application/json")


@put("/preferences", status_code=204)
async def put_preferences(request: Request[Any, Any, Any], services: Services) -> None:
    """Replace what the person has set; a JSON object of at most 32 KiB."""
    session = await require_session(request, services)
    encoded = msgspec.json.encode(json_object(await read_body(request, 65_536)))
    await services.write(lambda c: accounts.write_preferences(c, session.account, encoded))


HANDLERS = (sign_in, get_session, sign_out, change_password, get_preferences, put_preferences)
