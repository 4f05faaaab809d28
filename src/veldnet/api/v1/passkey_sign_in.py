"""Signing in with a passkey, alone or as the second factor after a password.

A passkey proves two factors at once: the device that has it, and the PIN, finger or face that unlocks it
there. Who signs in with an identity provider is known by what that says, so the passkeys of users without a
password are their second factor only."""

from __future__ import annotations

import hmac

import msgspec
import structlog
from sqlalchemy import Connection

from veldnet.api.auth.guessing import limit_origin
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.errors import GatewayError
from veldnet.api.routers import ENTERING, SIGN_IN
from veldnet.api.services import Services
from veldnet.asgi import Cookie, Request, Response
from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.scope import UserRef
from veldnet.inventory import accounts, audit
from veldnet.inventory.accounts import PasskeyKey, Session
from veldnet.passkeys import PasskeyProblem, PasskeyRequest, RelyingParty, ShownPasskey, decode, encode
from veldnet.texts import Text

from .own_access import person_of
from .sign_in import SignedIn, begin_session, session_cookie, signed_in

log = structlog.get_logger(__name__)

_COOKIE = "veldnet_passkey"
_PATH = "/api/v1"
_SECONDS = 300


class Nothing(msgspec.Struct):
    """An empty object."""


def ticket_cookie(request: Request, ticket: str) -> Cookie:
    return Cookie(
        key=_COOKIE,
        value=ticket,
        path=_PATH,
        max_age=_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.scheme == "https",
    )


def take_ticket(request: Request) -> str:
    return request.cookies.get(_COOKIE, "")[:1024]


def party_of(services: Services) -> RelyingParty:
    """Raises `BadRequest` where browsers do not allow passkeys."""
    party = services.relying_party
    if party is None:
        raise BadRequest(
            "passkeys need a public address of the server with HTTPS and a host name; the operator sets it "
            "with sign_in.url"
        )
    return party


def _sentence(services: Services, problem: PasskeyProblem) -> Text:
    if problem.reason == "origin":
        return Text(
            "passkeys work at {address} only; open the console there", address=party_of(services).origin
        )
    if problem.reason == "challenge":
        return Text("the request for a passkey has expired or was used already; try again")
    if problem.reason == "verification":
        return Text("the passkey did not verify you; use one with a PIN, fingerprint or face recognition")
    if problem.reason == "algorithm":
        return Text("this passkey has an algorithm that is not supported; use another one")
    return Text("what your passkey answered is invalid; try again or use another one")


def refusal(services: Services, problem: PasskeyProblem) -> InvalidField:
    """The message to the user; the details are in the log."""
    log.warning("passkey_refused", reason=problem.reason, detail=problem.detail)
    return InvalidField(_sentence(services, problem))


@SIGN_IN.post(
    "/session/passkey/challenge",
    "askForPasskey",
    "Session",
    "What the browser asks a passkey for, to sign in.",
    max_body=1024,
)
async def ask(request: Request, services: Services, body: Nothing) -> Response[PasskeyRequest]:
    """A challenge for this browser, for five minutes. It is the same for everybody: who has passkeys is not
    said."""
    limit_origin(request, services.link_origins)
    challenge, ticket = services.challenges.new("sign in")
    return _asked(request, party_of(services).request_options(challenge), ticket)


def _asked(request: Request, options: PasskeyRequest, ticket: str) -> Response[PasskeyRequest]:
    return Response(options, status_code=201, cookies=[ticket_cookie(request, ticket)])


@SIGN_IN.post(
    "/session/passkey",
    "signInWithPasskey",
    "Session",
    "Sign in with a passkey; the response sets the session cookie.",
    max_body=32_768,
)
async def sign_in(request: Request, services: Services, body: ShownPasskey) -> Response[SignedIn]:
    """Begin a session, in which no second factor is asked for. Wrong answers count as wrong passwords do."""
    key = await _used(request, services, body, "sign in", b"")
    if not await services.read(lambda c: accounts.has_password(c, key.user)):
        raise GatewayError(
            401, "Sign in with your identity provider; your passkey is the second factor after that"
        )
    token, session = await begin_session(request, services, key.user, "passkey", verified=True)
    lifetime = int(services.platform.settings.console.session_lifetime)
    return Response(
        signed_in(services, session, token),
        status_code=200,
        cookies=[session_cookie(request, token, lifetime)],
    )


@ENTERING.post(
    "/session/secondFactor/passkey/challenge",
    "askForSecondFactor",
    "Session",
    "What the browser asks a passkey for, as second factor.",
    max_body=1024,
)
async def ask_factor(
    request: Request, services: Services, session: Session, body: Nothing
) -> Response[PasskeyRequest]:
    """A challenge for this session and the passkeys of its user, for five minutes."""
    known = await services.read(lambda c: accounts.credentials_of(c, session.user))
    if not known:
        raise BadRequest("you have no passkey")
    challenge, ticket = services.challenges.new("second factor", session.digest)
    found = [(one.credential_id, one.transports) for one in known]
    return _asked(request, party_of(services).request_options(challenge, found), ticket)


@ENTERING.post(
    "/session/secondFactor/passkey",
    "showPasskey",
    "Session",
    "Complete signing in with a passkey as second factor.",
    max_body=32_768,
)
async def show(request: Request, services: Services, session: Session, body: ShownPasskey) -> SignedIn:
    await _used(request, services, body, "second factor", session.digest, session.user)
    person = person_of(session)
    await services.change(
        lambda c: accounts.verify_session(c, session.digest),
        by=person,
        action="session.verified",
        what=f"user {person.username} by passkey",
    )
    services.sessions.forget()
    return signed_in(services, msgspec.structs.replace(session, verified=True), request.cookies[COOKIE])


class _Copied(Exception):
    """The passkey is blocked."""


async def _used(
    request: Request,
    services: Services,
    shown: ShownPasskey,
    purpose: str,
    holder: bytes,
    user: UserRef | None = None,
) -> PasskeyKey:
    """The passkey that was used, of `user` where it is said. Raises `GatewayError` where it was none, or
    too many were
    wrong, for 401 would end a session `InvalidField` where there is one."""
    party = party_of(services)
    refused: list[PasskeyProblem] = []

    async def attempt() -> PasskeyKey | None:
        try:
            challenge = services.challenges.take(take_ticket(request), purpose, holder)
            return await _checked(services, party, shown, challenge, user)
        except PasskeyProblem as problem:
            refused.append(problem)
            return None

    try:
        key = await services.secrets.check(request, f"passkey {shown.id}", attempt)
    except _Copied:
        key = None
        sentence = Text(
            "this passkey was blocked, because it seems that somebody has a copy of it; sign in another way, "
            "and remove it"
        )
    else:
        sentence = _sentence(services, refused[0]) if refused else _UNKNOWN
    if key is not None:
        return key
    for problem in refused:
        log.warning("passkey_refused", reason=problem.reason, detail=problem.detail)
    if user is not None:
        raise InvalidField(sentence)
    raise GatewayError(401, "Signing in failed: {reason}", reason=sentence)


_UNKNOWN = Text("this passkey is not known here, it may have been removed; sign in another way")


async def _checked(
    services: Services, party: RelyingParty, shown: ShownPasskey, challenge: bytes, user: UserRef | None
) -> PasskeyKey | None:
    """None for a passkey that is not known, or somebody else's. Raises `PasskeyProblem`, and `_Copied`."""
    identifier = decode(shown.id, "id", 1023)
    key = await services.read(lambda c: accounts.find_passkey(c, identifier))
    if key is None or (user is not None and key.user != user):
        return None
    count = party.check_use(shown, key.public_key, challenge)
    # Authenticators that know the user say so; without a session they must.
    said = shown.userHandle or ("" if user is None else encode(key.handle))
    if not hmac.compare_digest(said.encode(), encode(key.handle).encode()):
        raise PasskeyProblem("invalid", "the user handle is another user's")

    def write(connection: Connection) -> bool:
        if accounts.use_passkey(connection, key.ref, count):
            return True
        if not key.copied:
            _note_copied(connection, key)
        return False

    if not await services.write(write):
        log.warning("passkey_copied", passkey=key.ref)
        raise _Copied
    return key


def _note_copied(connection: Connection, key: PasskeyKey) -> None:
    found = accounts.addressee(connection, key.user)
    name = "" if found is None else found.display_name
    author = audit.Author(name, *accounts.places_of(connection, key.user))
    what = f"passkey {key.ref} of user {'' if found is None else found.username}"
    audit.note(connection, author, "passkey.copied", what, {"name": key.name})
