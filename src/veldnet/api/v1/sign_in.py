"""Signing in and out, password and preferences of the current user."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from sqlalchemy import Connection

from veldnet.api.auth.sessions import COOKIE
from veldnet.api.errors import GatewayError
from veldnet.api.routers import SESSION, SIGN_IN
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
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=seconds,
        httponly=True,
        samesite="strict",
        # With what a trusted proxy says, where one is in front.
        secure=request.url.scheme == "https",
    )


async def _account_of(
    request: Request[Any, Any, Any], services: Services, username: str, password: str
) -> Account | None:
    """The account with this password. Raises `GatewayError` where too many were wrong."""

    async def attempt() -> Account | None:
        account = await services.read(lambda c: accounts.find_account(c, username))
        known = None if account is None else account.password_hash
        return account if await services.secrets.hash(accounts.password_fits, known, password) else None

    return await services.secrets.check(request, username, attempt)


@SIGN_IN.post(
    "/session", "signIn", "Session", "Sign in; the response sets the session cookie.", max_body=4096
)
async def sign_in(request: Request[Any, Any, Any], services: Services, body: SignIn) -> Response[SignedIn]:
    """Begin a session: the answer sets its cookie. Guesses are limited for each user and each address."""
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


@SESSION.get("/session", "getSessionUser", "Session", "Who is signed in.")
async def get_session(request: Request[Any, Any, Any], services: Services, session: Session) -> SignedIn:
    return _view(services, session, request.cookies[COOKIE])


@SESSION.delete("/session", "signOut", "Session", "End the session.")
async def sign_out(request: Request[Any, Any, Any], services: Services, session: Session) -> Response[None]:
    await services.write(lambda c: accounts.close_session(c, session.digest))
    services.sessions.forget()
    return Response(None, status_code=204, cookies=[_cookie(request, "", 0)])


@SESSION.put(
    "/session/password", "changePassword", "Session", "Change your password.", max_body=4096, status=204
)
async def change_password(
    request: Request[Any, Any, Any], services: Services, session: Session, body: PasswordChange
) -> None:
    """Change one's own password; it ends all other sessions and tokens of the user, and projects that act as
    the user must be activated again."""
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


@SESSION.get(
    "/preferences",
    "getPreferences",
    "Session",
    "Console preferences of the user.",
    result=dict[str, Any],
)
async def get_preferences(services: Services, session: Session) -> Response[bytes]:
    """What the person has set for the console, such as saved views: a JSON object of its own making."""
    value = await services.read(lambda c: accounts.read_preferences(c, session.account))
    return Response(value, media_type="application/json")


@SESSION.put(
    "/preferences",
    "setPreferences",
    "Session",
    "Replace the console preferences; 32 KiB at most.",
    status=204,
    max_body=65_536,
)
async def put_preferences(services: Services, session: Session, body: dict[str, Any]) -> None:
    """Replace what the person has set; a JSON object of at most 32 KiB."""
    encoded = msgspec.json.encode(body)
    await services.write(lambda c: accounts.write_preferences(c, session.account, encoded))
