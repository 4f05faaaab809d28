"""Signing in and out, password and preferences of the current user."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from veldnet.api.auth.bearer import missing_factor
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.errors import GatewayError
from veldnet.api.routers import ENTERING, PUBLIC, SESSION, SIGN_IN
from veldnet.api.services import Services
from veldnet.asgi import Cookie, Request, Response
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import UserRef
from veldnet.inventory import accounts, audit
from veldnet.inventory.accounts import Account, Origin, Session
from veldnet.store.schema import operator_users, users
from veldnet.texts import Language


class SignIn(msgspec.Struct):
    """User name and password of a ThingPark user or of an operator's user."""

    username: str
    password: str


class SignedIn(msgspec.Struct):
    """Who is signed in, and until when. `csrfToken` goes into the header x-csrf-token of every change. With
    `secondFactor` code nothing else may be done until a code is shown, with setup until one is set up."""

    kind: str
    username: str
    displayName: str
    role: str
    csrfToken: str
    expires: str
    idleSeconds: int
    secondFactor: Literal["", "code", "setup"] = ""
    # Whether a passkey will do in place of a code.
    passkey: bool = False
    customerId: str | None = None
    operator: str | None = None
    # Whether the user may run commands and open shells on base stations.
    stationAccess: bool = False
    # What the user has chosen; without a choice, the console goes by the browser.
    language: Language | None = None
    # Address of map tiles, empty for the built-in outlines.
    tiles: str = ""
    tilesAttribution: str = ""


class Provider(msgspec.Struct):
    """An identity provider that users may sign in with, at `/api/v1/signIn/<name>`."""

    name: str
    label: str


class SignInOptions(msgspec.Struct):
    """What the sign-in form offers. Passkeys work where the console is opened at `passkeyOrigin`, if it is
    not empty."""

    passwordReset: bool
    providers: list[Provider]
    passkeyOrigin: str


class PasswordChange(msgspec.Struct):
    """The password there is, and the one to be: 8 to 256 characters."""

    currentPassword: str
    newPassword: str


def signed_in(services: Services, session: Session, token: str) -> SignedIn:
    """Who is signed in, for the page."""
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
        secondFactor=missing_factor(services, session),
        passkey=session.passkey,
        customerId=None if session.scope is None else session.scope.customer_id,
        operator=None if session.operator is None else session.operator.name,
        stationAccess=session.operator is not None and session.operator.station_access,
        language=session.language,
        tiles=console.tiles,
        tilesAttribution=console.tiles_attribution,
    )


def session_cookie(request: Request, value: str, seconds: int) -> Cookie:
    """The cookie of a session, or the end of one."""
    return Cookie(
        key=COOKIE,
        value=value,
        path="/",
        max_age=seconds,
        httponly=True,
        samesite="strict",
        # With what a trusted proxy says, where one is in front.
        secure=request.scheme == "https",
    )


async def verify_password(
    request: Request, services: Services, username: str, password: str
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
async def sign_in(request: Request, services: Services, body: SignIn) -> Response[SignedIn]:
    """Begin a session: the answer sets its cookie. Guesses are limited for each user and each address."""
    account = await verify_password(request, services, body.username, body.password)
    if account is None:
        raise GatewayError(401, "User name or password is wrong")
    token, session = await begin_session(request, services, account.user)
    lifetime = int(services.platform.settings.console.session_lifetime)
    return Response(
        signed_in(services, session, token),
        status_code=200,
        cookies=[session_cookie(request, token, lifetime)],
    )


async def begin_session(
    request: Request,
    services: Services,
    user: UserRef,
    provider: str = "",
    *,
    verified: bool = False,
) -> tuple[str, Session]:
    """Sign a user in; the cookie and the session. `verified` where the second factor was shown elsewhere."""
    address = request.client_host
    origin = Origin(request.headers.get("user-agent", ""), address, provider, verified)
    lifetime = services.platform.settings.console.session_lifetime
    token = await services.write(lambda c: accounts.open_session(c, user, lifetime, origin))
    session = await services.sessions.session(token)
    if session is None:
        await services.write(lambda c: accounts.close_session(c, accounts.token_digest(token)))
        raise GatewayError(401, "The user was removed or suspended")
    person = session.operator or session.scope
    assert person is not None
    what = f"user {person.username}" + (f" by {provider}" if provider else "")
    await services.note(person, "session.opened", what)
    return token, session


@PUBLIC.get("/api/v1/signIn", "getSignInOptions", "Session", "What the sign-in form offers.")
async def get_options(services: Services) -> SignInOptions:
    """Whether forgotten passwords can be reset by e-mail, which identity providers there are, and where
    passkeys work."""
    providers = services.platform.settings.sign_in.providers
    return SignInOptions(
        services.mailer is not None,
        [Provider(name, provider.label or name) for name, provider in providers.items()],
        "" if services.relying_party is None else services.relying_party.origin,
    )


@ENTERING.get("/session", "getSessionUser", "Session", "Who is signed in.")
async def get_session(request: Request, services: Services, session: Session) -> SignedIn:
    return signed_in(services, session, request.cookies[COOKIE])


@ENTERING.delete("/session", "signOut", "Session", "End the session.")
async def sign_out(request: Request, services: Services, session: Session) -> Response[None]:
    await services.write(lambda c: accounts.close_session(c, session.digest))
    services.sessions.forget()
    return Response(None, status_code=204, cookies=[session_cookie(request, "", 0)])


@SESSION.put(
    "/session/password", "changePassword", "Session", "Change your password.", max_body=4096, status=204
)
async def change_password(
    request: Request, services: Services, session: Session, body: PasswordChange
) -> None:
    """Change one's own password; it ends all other sessions and tokens of the user, and projects that act as
    the user must be activated again."""
    person = session.operator or session.scope
    assert person is not None
    account = await verify_password(request, services, person.username, body.currentPassword)
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
        author = audit.Author(person.display_name, subscriber, person.operator_ref)
        audit.note(connection, author, "user.password", f"user {person.username}")

    await services.write(write)
    services.forget_callers()


class UserLanguage(msgspec.Struct):
    """The language of e-mails to the user, and of what the server says to it."""

    language: Language


@SESSION.put("/session/language", "setLanguage", "Session", "Choose your language.", status=204)
async def set_language(services: Services, session: Session, body: UserLanguage) -> None:
    await services.write(lambda c: accounts.set_language(c, session.user, body.language))
    services.sessions.forget()


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
