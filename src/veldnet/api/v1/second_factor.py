"""One's own second factor: showing a code, setting it up, recovery codes, removing it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.api.auth.bearer import missing_factor
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.errors import GatewayError
from veldnet.api.routers import ENTERING, SESSION
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest, Forbidden, InvalidField, SecondFactorNeeded, WrongCode
from veldnet.domain.scope import UserRef
from veldnet.inventory import accounts
from veldnet.inventory.accounts import Session
from veldnet.keys import labels

from .own_access import change_own, person_of
from .sign_in import SignedIn, signed_in, verify_password


class FactorState(msgspec.Struct):
    """The second factor of the user: `enabled` by an authenticator app (`authenticator`) or passkeys;
    `required` where
    the role needs one."""

    enabled: bool
    required: bool
    recoveryCodes: int
    authenticator: bool


class Enrolment(msgspec.Struct):
    """What an authenticator needs: `qr` is a picture of `uri`, `secret` is for typing."""

    secret: str
    uri: str
    qr: str


class Code(msgspec.Struct):
    """A code of the authenticator, or a recovery code."""

    code: str


class OwnPassword(msgspec.Struct):
    """The user's password; empty for users who sign in with an identity provider."""

    password: str = ""


class NewCodes(msgspec.Struct):
    """A code of the authenticator or a recovery code; without an authenticator the password will do."""

    code: str = ""
    password: str = ""


class RecoveryCodes(msgspec.Struct):
    """Each works once in place of a code. They are in this answer only."""

    recoveryCodes: list[str]


async def check_code(services: Services, user: UserRef, code: str) -> bool:
    """Take a code of the user; it is good for once. Raises `GatewayError` where too many were wrong. False
    for a wrong one."""
    name = f"{'operator' if user.operator else 'user'}-{user.ref}"
    quota = services.codes.take(name)
    if quota is not None and not quota.allowed:
        raise GatewayError(429, "Too many wrong codes; wait five minutes", {"retry-after": "300"})
    right = await _take_code(services, user, code[:64])
    if right:
        services.codes.give_back(name)
    return right


async def _take_code(services: Services, user: UserRef, code: str) -> bool:
    if accounts.looks_like_recovery_code(code):
        return await services.write(lambda c: accounts.use_recovery_code(c, user, code))
    found = await services.read(lambda c: accounts.read_second_factor(c, user))
    if found is None or not found.confirmed:
        return False
    step = await _step(services, found.sealed_secret, code, found.last_step)
    if step is None:
        return False
    return await services.write(lambda c: accounts.take_step(c, user, step))


async def _step(services: Services, sealed: bytes, code: str, last_step: int) -> int | None:
    platform = services.platform
    secret = await platform.vault.unseal(labels.SECOND_FACTOR, sealed)
    return accounts.matching_step(secret, code, platform.clock(), last_step)


@ENTERING.post(
    "/session/secondFactor",
    "showCode",
    "Session",
    "Complete signing in with a code of the second factor.",
    max_body=4096,
)
async def show_code(request: Request, services: Services, session: Session, body: Code) -> SignedIn:
    """Five wrong codes, then one in five minutes; a code is good for once."""
    if not session.enrolled:
        raise BadRequest("you have no second factor")
    if not await check_code(services, session.user, body.code):
        raise WrongCode
    await change_own(
        services,
        session,
        lambda c: accounts.verify_session(c, session.digest),
        action="session.verified",
    )
    services.sessions.forget()
    return signed_in(services, msgspec.structs.replace(session, verified=True), request.cookies[COOKIE])


@SESSION.get("/secondFactor", "getSecondFactor", "Session", "Your second factor.")
async def get_state(services: Services, session: Session) -> FactorState:

    def read(connection: Connection) -> tuple[int, bool]:
        user = session.user
        return accounts.count_recovery_codes(connection, user), accounts.has_authenticator(connection, user)

    left, authenticator = await services.read(read)
    return FactorState(session.enrolled, factor_required(services, session), left, authenticator)


def factor_required(services: Services, session: Session) -> bool:
    """Whether the role needs a second factor."""
    bare = msgspec.structs.replace(session, verified=False, enrolled=False)
    return missing_factor(services, bare) == "setup"


def refuse_without_code(services: Services, session: Session) -> None:
    """Who has shown the password alone must not set up another second factor beside the one there is. Raises
    `SecondFactorNeeded`."""
    if missing_factor(services, session) == "code":
        raise SecondFactorNeeded("show the second factor that you have first")


@ENTERING.post(
    "/secondFactor/enrolment",
    "beginSecondFactor",
    "Session",
    "Begin to set up a second factor.",
    max_body=4096,
)
async def begin(request: Request, services: Services, session: Session, body: OwnPassword) -> Enrolment:
    """A new secret, which counts once a code of it was shown."""
    import segno

    refuse_without_code(services, session)
    await confirm_password(request, services, session, body.password)
    secret = accounts.new_secret()
    sealed = await services.platform.vault.seal(labels.SECOND_FACTOR, secret)
    await services.write(lambda c: accounts.begin_enrolment(c, session.user, sealed))
    network = (await services.branding()).name
    uri = accounts.enrolment_uri(secret, person_of(session).username, network)
    picture = segno.make(uri, error="m").svg_data_uri(scale=5, border=3, light="#fff")
    return Enrolment(accounts.secret_text(secret), uri, picture)


@ENTERING.put(
    "/secondFactor",
    "confirmSecondFactor",
    "Session",
    "Complete setting up with a code; returns the recovery codes once.",
    max_body=4096,
)
async def confirm(services: Services, session: Session, body: Code) -> RecoveryCodes:
    """From now on signing in needs a code; other sessions of the user are asked for one."""
    refuse_without_code(services, session)
    found = await services.read(lambda c: accounts.read_second_factor(c, session.user))
    if found is None or found.confirmed:
        raise BadRequest("begin to set up a second factor first")
    step = await _step(services, found.sealed_secret, body.code, 0)
    if step is None:
        raise WrongCode

    def write(connection: Connection) -> list[str]:
        accounts.verify_session(connection, session.digest)
        return accounts.confirm_enrolment(connection, session.user, step)

    codes = await change_own(
        services,
        session,
        write,
        action="user.secondFactor",
        details={"enabled": True},
    )
    services.sessions.forget()
    return RecoveryCodes(codes)


@SESSION.post(
    "/secondFactor/recoveryCodes",
    "newRecoveryCodes",
    "Session",
    "New recovery codes; those before are void.",
    max_body=4096,
)
async def renew_codes(
    request: Request, services: Services, session: Session, body: NewCodes
) -> RecoveryCodes:
    """Users of an authenticator app show a code; those who have passkeys alone confirm their password."""
    if not session.enrolled:
        raise BadRequest("you have no second factor")
    authenticator = await services.read(lambda c: accounts.has_authenticator(c, session.user))
    if body.code or authenticator:
        if not await check_code(services, session.user, body.code):
            raise WrongCode
    else:
        await confirm_password(request, services, session, body.password)
    codes = await change_own(
        services,
        session,
        lambda c: accounts.new_recovery_codes(c, session.user),
        action="user.recoveryCodes",
    )
    return RecoveryCodes(codes)


@SESSION.post(
    "/secondFactor/removal",
    "removeSecondFactor",
    "Session",
    "Remove your authenticator app.",
    status=204,
    max_body=4096,
)
async def remove(services: Services, session: Session, body: Code) -> None:
    """Needs a code; refused where the role needs a second factor and there is no other."""
    if factor_required(services, session) and not session.passkey:
        raise Forbidden("your role needs a second factor; only an administrator can reset it")
    if not await check_code(services, session.user, body.code):
        raise WrongCode
    await change_own(
        services,
        session,
        lambda c: accounts.remove_authenticator(c, session.user),
        action="user.secondFactor",
        details={"enabled": False},
    )
    services.sessions.forget()


async def confirm_password(request: Request, services: Services, session: Session, password: str) -> None:
    """Who found an open page must not make the account theirs. Users without a password have shown who they
    are to their provider. Raises `InvalidField`."""
    person = person_of(session)
    if not await services.read(lambda c: accounts.has_password(c, session.user)):
        return
    if await verify_password(request, services, person.username, password) is None:
        raise InvalidField("password is wrong")
