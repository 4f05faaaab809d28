"""The second factor: codes of an authenticator app (TOTP, RFC 6238), passkeys (see `passkeys`), and
recovery codes in
the place of either.

The secret is sealed by the vault; recovery codes are kept as digests. A code is good for once: the step of
the last one that was taken is kept, and neither it nor an earlier one counts again."""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import quote, urlencode

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update

from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import UserRef
from veldnet.store import lock_row, moment
from veldnet.store.schema import passkeys, recovery_codes, second_factors

from .credentials import token_digest
from .holders import held_by, holder_values, table_of

STEP = 30
DIGITS = 6
_SECRET_OCTETS = 20
# Steps before and after the present one whose codes count, for clocks that are not exact.
_DRIFT = 1
_CODES = 10
# Letters and digits that are not mistaken for each other.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class SecondFactor(msgspec.Struct, frozen=True):
    """The second factor of a user as it is stored; `confirmed` once its first code was shown."""

    sealed_secret: bytes
    confirmed: bool
    last_step: int


def new_secret() -> bytes:
    return secrets.token_bytes(_SECRET_OCTETS)


def secret_text(secret: bytes) -> str:
    """The secret as it is typed into an authenticator."""
    return base64.b32encode(secret).decode().rstrip("=")


def enrolment_uri(secret: bytes, username: str, issuer: str) -> str:
    """What the QR code says (the Key URI Format of authenticators)."""
    label = quote(f"{issuer}:{username}", safe="")
    parameters = {"secret": secret_text(secret), "issuer": issuer, "digits": DIGITS, "period": STEP}
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"


def code_at(secret: bytes, step: int) -> str:
    # SHA-1 is what all authenticators do; as an HMAC it is sound.
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode()  # noqa: S303


def matching_step(secret: bytes, code: str, now: float, last_step: int) -> int | None:
    """The step that a code belongs to, if it is one of now and later than the last that was taken."""
    present = int(now) // STEP
    given = "".join(code.split()).encode()
    found = None
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), given) and step > last_step:
            found = step
    return found


def read_second_factor(connection: Connection, user: UserRef) -> SecondFactor | None:
    row = connection.execute(
        select(
            second_factors.c.sealed_secret, second_factors.c.confirmed_at, second_factors.c.last_step
        ).where(held_by(second_factors, user))
    ).first()
    if row is None:
        return None
    return SecondFactor(row.sealed_secret, row.confirmed_at is not None, row.last_step)


def has_authenticator(connection: Connection, user: UserRef) -> bool:
    """Whether codes of an authenticator app count."""
    found = read_second_factor(connection, user)
    return found is not None and found.confirmed


def has_second_factor(connection: Connection, user: UserRef) -> bool:
    """Whether a password alone is not enough. A passkey that is blocked counts, too: whoever has copied it
    must not get in with the password alone."""
    authenticator = exists().where(held_by(second_factors, user), second_factors.c.confirmed_at.is_not(None))
    passkey = exists().where(held_by(passkeys, user))
    return bool(connection.execute(select(or_(authenticator, passkey))).scalar_one())


def begin_enrolment(connection: Connection, user: UserRef, sealed_secret: bytes) -> None:
    """Keep a secret that is yet to be confirmed, in place of one that was never confirmed. Raises
    `BadRequest` where the user has a second factor."""
    lock_row(connection, table_of(user), user.ref)
    if has_authenticator(connection, user):
        raise BadRequest("you have a second factor already; remove it first")
    connection.execute(
        delete(second_factors).where(held_by(second_factors, user), second_factors.c.confirmed_at.is_(None))
    )
    connection.execute(
        insert(second_factors).values(**holder_values(user), sealed_secret=sealed_secret, last_step=0)
    )


def confirm_enrolment(connection: Connection, user: UserRef, step: int) -> list[str]:
    """The second factor counts from now on; returns its recovery codes. Raises `BadRequest` where it counts
    already."""
    done = connection.execute(
        update(second_factors)
        .where(held_by(second_factors, user), second_factors.c.confirmed_at.is_(None))
        .values(confirmed_at=moment(connection), last_step=step)
    )
    if not done.rowcount:
        raise BadRequest("begin to set up a second factor first")
    return new_recovery_codes(connection, user)


def take_step(connection: Connection, user: UserRef, step: int) -> bool:
    """Note that the code of a step was used; False if it or a later one was used meanwhile."""
    done = connection.execute(
        update(second_factors)
        .where(
            held_by(second_factors, user),
            second_factors.c.last_step < step,
            second_factors.c.confirmed_at.is_not(None),
        )
        .values(last_step=step)
    )
    return done.rowcount > 0


def _plain(code: str) -> str:
    return "".join(character for character in code.upper() if character in _LETTERS)


def looks_like_recovery_code(code: str) -> bool:
    return len(_plain(code)) == 16


def new_recovery_codes(connection: Connection, user: UserRef) -> list[str]:
    """Ten codes in place of those before, 80 bits each, so that a digest is as good as a slow hash."""
    connection.execute(delete(recovery_codes).where(held_by(recovery_codes, user)))
    made = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(_CODES)]
    for code in made:
        connection.execute(insert(recovery_codes).values(digest=token_digest(code), **holder_values(user)))
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in made]


def use_recovery_code(connection: Connection, user: UserRef, code: str) -> bool:
    """Whether a recovery code is the user's; it is used up."""
    done = connection.execute(
        delete(recovery_codes).where(
            held_by(recovery_codes, user), recovery_codes.c.digest == token_digest(_plain(code))
        )
    )
    return done.rowcount > 0


def count_recovery_codes(connection: Connection, user: UserRef) -> int:
    query = select(func.count()).select_from(recovery_codes).where(held_by(recovery_codes, user))
    return int(connection.execute(query).scalar_one())


def remove_authenticator(connection: Connection, user: UserRef) -> None:
    """Codes of the authenticator app count no longer."""
    connection.execute(delete(second_factors).where(held_by(second_factors, user)))
    drop_recovery_codes(connection, user)


def drop_recovery_codes(connection: Connection, user: UserRef) -> None:
    """Forget them where nothing is left that they stand for."""
    if not has_second_factor(connection, user):
        connection.execute(delete(recovery_codes).where(held_by(recovery_codes, user)))


def remove_second_factor(connection: Connection, user: UserRef) -> bool:
    """Forget authenticator app, passkeys and recovery codes; False where there was neither of the first
    two."""
    removed = 0
    for table in (second_factors, passkeys):
        removed += connection.execute(delete(table).where(held_by(table, user))).rowcount
    connection.execute(delete(recovery_codes).where(held_by(recovery_codes, user)))
    return removed > 0
