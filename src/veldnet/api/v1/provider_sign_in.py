"""Signing in with identity providers, and the identities of a user there."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import msgspec
import structlog
from cryptography.fernet import InvalidToken
from sqlalchemy import Connection

from veldnet.api.auth.bearer import missing_factor
from veldnet.api.auth.guessing import limit_origin
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.provider_texts import sentence
from veldnet.api.routers import PUBLIC, SESSION
from veldnet.api.services import Services
from veldnet.asgi import Cookie, Redirect, Request, Response
from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.scope import Role, UserRef
from veldnet.inventory import accounts, audit
from veldnet.inventory.accounts import Identity, Session
from veldnet.inventory.names import printable
from veldnet.openid import Attempt, Person, ProviderProblem, Registration
from veldnet.settings import ProviderSettings
from veldnet.texts import preferred_language

from .own_access import person_of
from .sign_in import Provider, begin_session, session_cookie

log = structlog.get_logger(__name__)

# Between the two visits of the browser: sealed, so that the server keeps nothing of who has not signed in.
_COOKIE = "veldnet_sign_in"
_PATH = "/api/v1/signIn"
_SECONDS = 600
_RANKS: tuple[Role, ...] = ("admin", "rw", "ro")


class _Begun(msgspec.Struct):
    """What the cookie holds. `session` is that of a user who links an identity, as hexadecimal digest."""

    provider: str
    attempt: Attempt
    session: str = ""


class Identities(msgspec.Struct):
    """Who the user is at identity providers, and the providers there are."""

    identities: list[Identity]
    providers: list[Provider]


class NoAccess(Exception):
    """The provider knows the person, but there is no account for them here. `reason` names the sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _registration(services: Services, name: str) -> Registration:
    provider = _provider(services, name)
    file = provider.client_secret_file
    try:
        secret = Path(file).read_text().strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ProviderProblem("unreachable", f"client_secret_file of {name}: {error}") from None
    url = services.platform.settings.sign_in.url.rstrip("/")
    return Registration(
        provider.issuer, provider.client_id, secret, provider.scopes, f"{url}{_PATH}/{name}/callback"
    )


def _provider(services: Services, name: str) -> ProviderSettings:
    found = services.platform.settings.sign_in.providers.get(name)
    if found is None:
        raise NotFound("identity provider", name)
    return found


@PUBLIC.get("/api/v1/signIn/{provider}")
async def begin(request: Request, provider: str, services: Services) -> Response[Any]:
    """Send the browser to the provider. With `link=true` a signed-in user adds an identity; the session's
    cookie does not come with requests of other sites, so none of them can begin that."""
    limit_origin(request, services.link_origins)
    begun = _Begun(provider, Attempt.new())
    if request.query_params.get("link") == "true":
        session = await services.sessions.session(request.cookies.get(COOKIE, ""))
        if session is None or missing_factor(services, session):
            return _problem(request, "link")
        begun.session = session.digest.hex()
    try:
        address = await services.openid.begin(_registration(services, provider), begun.attempt)
    except ProviderProblem as problem:
        return _failed(request, provider, problem)
    sealed = services.attempts.encrypt(msgspec.json.encode(begun)).decode()
    return Redirect(address, status_code=303, cookies=[_cookie(request, sealed, _SECONDS)])


def _cookie(request: Request, value: str, seconds: int) -> Cookie:
    # Lax, for it must come with the browser's return from the provider.
    return Cookie(
        key=_COOKIE,
        value=value,
        path=_PATH,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=request.scheme == "https",
    )


@PUBLIC.get("/api/v1/signIn/{provider}/callback")
async def finish(request: Request, provider: str, services: Services) -> Response[Any]:
    """The browser comes back from the provider."""
    limit_origin(request, services.link_origins)
    try:
        begun = _begun(request, services, provider)
        registration = _registration(services, provider)
        query = {name: str(value) for name, value in request.query_params.items()}
        person = await services.openid.finish(registration, begun.attempt, query)
        if begun.session:
            await _link(services, bytes.fromhex(begun.session), person)
            return _done(request, "/console/account")
        user = await _user_of(services, provider, person)
    except ProviderProblem as problem:
        return _failed(request, provider, problem)
    except NoAccess as problem:
        log.warning("provider_without_account", provider=provider, reason=problem.reason)
        return _problem(request, problem.reason)
    verified = _provider(services, provider).second_factor
    token, _session = await begin_session(request, services, user, provider, verified=verified)
    lifetime = int(services.platform.settings.console.session_lifetime)
    return _done(request, "/console/", session_cookie(request, token, lifetime))


def _begun(request: Request, services: Services, provider: str) -> _Begun:
    try:
        opened = services.attempts.decrypt(request.cookies.get(_COOKIE, "").encode(), ttl=_SECONDS)
        begun = msgspec.json.decode(opened, type=_Begun)
    except (InvalidToken, msgspec.DecodeError, UnicodeEncodeError):
        raise ProviderProblem("state", "no cookie, or an old one") from None
    if begun.provider != provider:
        raise ProviderProblem("state", f"begun with {begun.provider}")
    return begun


def _done(request: Request, path: str, *cookies: Cookie) -> Response[Any]:
    return Redirect(path, status_code=303, cookies=[_cookie(request, "", 0), *cookies])


def _failed(request: Request, provider: str, problem: ProviderProblem) -> Response[Any]:
    log.warning("provider_refused", provider=provider, reason=problem.reason, detail=problem.detail)
    return _problem(request, problem.reason)


def _problem(request: Request, reason: str) -> Response[Any]:
    """A page that says in a sentence why signing in failed; nothing in it comes from the request."""
    language = preferred_language(request.headers.get("accept-language"))
    title, text, back = (sentence(language, key) for key in ("title", reason, "back"))
    page = (
        f"<!doctype html><html lang='{language}'><meta charset='utf-8'>"
        f"<title>{escape(title)} – Veldnet</title>"
        "<meta name='viewport' content='width=device-width'><meta name='color-scheme' content='light dark'>"
        "<main style='font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:15vh auto;padding:0 1em'>"
        f"<h1 style='font-size:1.3em'>{escape(title)}</h1><p>{escape(text)}</p>"
        f"<p><a href='/console/'>{escape(back)}</a></p></main></html>"
    )
    return Response(page, media_type="text/html", status_code=400, cookies=[_cookie(request, "", 0)])


async def _link(services: Services, digest: bytes, person: Person) -> None:
    """Let the user who began it sign in as this person from now on."""

    def write(connection: Connection) -> None:
        user = accounts.user_of_session(connection, digest)
        if user is None:
            raise NoAccess("link")
        try:
            accounts.link_identity(connection, user, _known(person))
        except BadRequest:
            raise NoAccess("linked") from None
        _note(connection, user, "identity.linked", person)

    await services.write(write)


def _note(connection: Connection, user: UserRef, action: str, person: Person) -> None:
    found = accounts.addressee(connection, user)
    name = "" if found is None else found.display_name
    what = f"user {'' if found is None else found.username}"
    author = audit.Author(name, *accounts.places_of(connection, user))
    audit.note(connection, author, action, what, {"issuer": person.issuer})


def _known(person: Person) -> accounts.Person:
    name = person.text("preferred_username") or person.email or person.subject
    given = person.claims.get("name")
    shown = printable(given[:254]).strip() if isinstance(given, str) else ""
    return accounts.Person(person.issuer, person.subject, name, shown or name, person.email)


def role_of(provider: ProviderSettings, person: Person) -> Role | None:
    """The highest role that the provider's claims give."""
    if provider.role_claim:
        given = {provider.roles.get(value) for value in person.values(provider.role_claim)}
        for role in _RANKS:
            if role in given:
                return role
    return provider.role or None


def customer_of(provider: ProviderSettings, person: Person) -> str | None:
    """The customer id that the provider's claims give."""
    if provider.subscriber_claim:
        for value in person.values(provider.subscriber_claim):
            if value in provider.subscribers:
                return provider.subscribers[value]
    return provider.subscriber or None


async def _user_of(services: Services, name: str, person: Person) -> UserRef:
    """The user of a person. A new person gets an account where the provider's settings say so; one that the
    provider made has the role and subscriber that its claims give at each sign-in."""
    provider = _provider(services, name)

    def write(connection: Connection) -> UserRef:
        user = accounts.user_of_identity(connection, person.issuer, person.subject)
        if user is None:
            if not provider.create_users:
                raise NoAccess("unknown")
            return _create(connection, provider, person)
        if accounts.is_suspended(connection, user):
            raise NoAccess("suspended")
        if not user.operator and not accounts.has_password(connection, user):
            _follow(connection, provider, person, user)
        return user

    user = await services.write(write)
    services.forget_callers()
    return user


def _create(connection: Connection, provider: ProviderSettings, person: Person) -> UserRef:
    customer, role = customer_of(provider, person), role_of(provider, person)
    if customer is None or role is None:
        raise NoAccess("no_role")
    try:
        subscriber, _operator = accounts.find_subscriber(connection, customer)
    except BadRequest:
        raise NoAccess("no_role") from None
    try:
        user = accounts.create_identified_user(connection, subscriber, _known(person), role)
    except BadRequest:
        raise NoAccess("name_taken") from None
    _note(connection, user, "user.created", person)
    return user


def _follow(connection: Connection, provider: ProviderSettings, person: Person, user: UserRef) -> None:
    customer, role = customer_of(provider, person), role_of(provider, person)
    scope = accounts.scope_of_user(connection, user.ref)
    if scope is None or not provider.create_users:
        return
    if customer != scope.customer_id or role is None:
        raise NoAccess("no_role")
    if accounts.change_role(connection, user, role):
        _note(connection, user, "user.changed", person)


@SESSION.get("/identities", "listIdentities", "Session", "Your identities at identity providers.")
async def list_identities(services: Services, session: Session) -> Identities:
    found = await services.read(lambda c: accounts.list_identities(c, session.user))
    providers = services.platform.settings.sign_in.providers
    linked = {identity.issuer for identity in found}
    return Identities(
        found,
        [
            Provider(name, provider.label or name)
            for name, provider in providers.items()
            if provider.issuer not in linked
        ],
    )


@SESSION.delete("/identities/{identityRef}", "unlinkIdentity", "Session", "Unlink one of your identities.")
async def unlink(identity_ref: str, services: Services, session: Session) -> None:
    """Refused for the only way to sign in."""

    def write(connection: Connection) -> None:
        accounts.unlink_identity(connection, session.user, identity_ref)
        left = accounts.list_identities(connection, session.user)
        if not left and not accounts.has_password(connection, session.user):
            raise BadRequest("this is your only way to sign in")

    await services.change(
        write, by=person_of(session), action="identity.unlinked", what=f"identity {identity_ref}"
    )
