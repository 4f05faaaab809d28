"""One's own passkeys: adding, names, removing."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.api import letters
from veldnet.api.errors import language_of
from veldnet.api.routers import ENTERING, SESSION
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.domain.errors import Forbidden
from veldnet.inventory import accounts
from veldnet.inventory.accounts import NewKey, Passkey, Session
from veldnet.passkeys import CreatedPasskey, PasskeyCreation, PasskeyProblem, passkey_user

from .own_access import person_of
from .passkey_sign_in import party_of, refusal, take_ticket, ticket_cookie
from .second_factor import OwnPassword, confirm_password, factor_required, refuse_without_code


class Passkeys(msgspec.Struct):
    """The user's passkeys; `origin` is the address of the console at which they work, empty where the
    server has no
    address that browsers allow them for."""

    origin: str
    most: int
    passkeys: list[Passkey]


class NewPasskey(CreatedPasskey, frozen=True, kw_only=True):
    """What the browser returns of a new passkey, and what to call it."""

    name: str


class PasskeyName(msgspec.Struct):
    """What the user calls a passkey: 1 to 60 characters."""

    name: str


class AddedPasskey(msgspec.Struct):
    """The passkey. The recovery codes are in this answer only, where it is the user's first second factor."""

    passkey: Passkey
    recoveryCodes: list[str]


@SESSION.get("/passkeys", "listPasskeys", "Session", "Your passkeys.")
async def list_passkeys(services: Services, session: Session) -> Passkeys:
    found = await services.read(lambda c: accounts.list_passkeys(c, session.user))
    party = services.relying_party
    return Passkeys("" if party is None else party.origin, accounts.MOST_PASSKEYS, found)


@ENTERING.post(
    "/passkeys/enrolment",
    "beginPasskey",
    "Session",
    "Begin to add a passkey: what the browser is to make.",
    max_body=4096,
)
async def begin(
    request: Request, services: Services, session: Session, body: OwnPassword
) -> Response[PasskeyCreation]:
    """A challenge for this session, for five minutes. Needs the password of users who have one."""
    refuse_without_code(services, session)
    party = party_of(services)
    await confirm_password(request, services, session, body.password)

    def read(connection: Connection) -> tuple[bytes, list[accounts.Credential], bool]:
        accounts.check_room(connection, session.user)
        user = session.user
        handle = accounts.user_handle(connection, user)
        return handle, accounts.credentials_of(connection, user), accounts.has_password(connection, user)

    handle, known, alone = await services.read(read)
    person = person_of(session)
    challenge, ticket = services.challenges.new("add", session.digest + handle)
    options = party.creation_options(
        (await services.branding()).name,
        passkey_user(handle, person.username, person.display_name),
        challenge,
        [(one.credential_id, one.transports) for one in known],
        alone=alone,
    )
    return Response(options, status_code=201, cookies=[ticket_cookie(request, ticket + "." + handle.hex())])


@ENTERING.post("/passkeys", "addPasskey", "Session", "Add a passkey.", max_body=65_536)
async def add(request: Request, services: Services, session: Session, body: NewPasskey) -> AddedPasskey:
    """From now on a password alone is not enough to sign in. The user is notified by e-mail."""
    refuse_without_code(services, session)
    party = party_of(services)
    try:
        ticket, handle = _ticket_and_handle(request)
        challenge = services.challenges.take(ticket, "add", session.digest + handle)
        made = party.check_creation(body, challenge)
    except PasskeyProblem as problem:
        raise refusal(services, problem) from None
    key = NewKey(made.credential_id, made.public_key, made.sign_count, made.transports, handle)

    def write(connection: Connection) -> accounts.AddedPasskey:
        added = accounts.add_passkey(connection, session.user, body.name, key)
        # Its user was there and verified, as with a code.
        accounts.verify_session(connection, session.digest)
        return added

    person = person_of(session)
    added = await services.change(
        write,
        by=person,
        action="passkey.added",
        what=f"user {person.username}",
        details={"name": body.name},
    )
    services.forget_callers()
    to = await services.read(lambda c: accounts.addressee(c, session.user))
    if to is not None:
        network = (await services.branding()).name
        language = to.language or language_of(request)
        letter = letters.passkey_letter(to, added.passkey.name, network, language)
        await letters.send(services.mailer, to.email, letter)
    return AddedPasskey(added.passkey, added.recovery_codes)


def _ticket_and_handle(request: Request) -> tuple[str, bytes]:
    ticket, _dot, handle = take_ticket(request).rpartition(".")
    try:
        return ticket, bytes.fromhex(handle)
    except ValueError:
        raise PasskeyProblem("challenge", "the cookie is not ours") from None


@SESSION.put("/passkeys/{passkeyRef}", "renamePasskey", "Session", "Rename one of your passkeys.", status=204)
async def rename(passkey_ref: str, services: Services, session: Session, body: PasskeyName) -> None:
    await services.change(
        lambda c: accounts.rename_passkey(c, session.user, passkey_ref, body.name),
        by=person_of(session),
        action="passkey.renamed",
        what=f"passkey {passkey_ref}",
        details={"name": body.name},
    )


@SESSION.post(
    "/passkeys/{passkeyRef}/removal",
    "removePasskey",
    "Session",
    "Remove one of your passkeys.",
    status=204,
    max_body=4096,
)
async def remove(
    request: Request,
    passkey_ref: str,
    services: Services,
    session: Session,
    body: OwnPassword,
) -> None:
    """Needs the password of users who have one; refused for the only second factor where the role needs
    one."""
    await services.read(lambda c: accounts.own_passkey(c, session.user, passkey_ref))
    await confirm_password(request, services, session, body.password)
    required = factor_required(services, session)

    def write(connection: Connection) -> None:
        accounts.remove_passkey(connection, session.user, passkey_ref)
        if required and not accounts.has_second_factor(connection, session.user):
            raise Forbidden("your role needs a second factor; add another one before you remove this one")

    await services.change(
        write, by=person_of(session), action="passkey.removed", what=f"passkey {passkey_ref}"
    )
    services.forget_callers()
