"""Passkeys of users: several for each, by name. They are the second factor, and sign in by themselves."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import UserRef
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment
from veldnet.store.schema import passkeys

from .holders import held_by, holder_values, table_of
from .second_factor import count_recovery_codes, drop_recovery_codes, new_recovery_codes

MOST_PASSKEYS = 10
_MOST_NAME = 60


class Passkey(msgspec.Struct):
    """A passkey of a user. One that is `copied` signs in no more: its counter went back, as it does when an
    authenticator was copied."""

    ref: str
    name: str
    created: str
    lastUsed: str | None
    copied: bool


class PasskeyKey(msgspec.Struct, frozen=True):
    """A passkey as its check needs it. `handle` is what authenticators know the user by."""

    ref: int
    user: UserRef
    name: str
    public_key: bytes
    handle: bytes
    copied: bool


class NewKey(msgspec.Struct, frozen=True):
    """A passkey that was checked, before it is kept."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: Sequence[str]
    handle: bytes


class Credential(msgspec.Struct, frozen=True):
    """A passkey as browsers look for it."""

    credential_id: bytes
    transports: tuple[str, ...]


class AddedPasskey(msgspec.Struct, frozen=True):
    """A passkey that was added; with recovery codes if it is the first second factor of its user."""

    passkey: Passkey
    recovery_codes: list[str]


def user_handle(connection: Connection, user: UserRef) -> bytes:
    """What authenticators know a user by: what its passkeys have, or a new one."""
    query = select(passkeys.c.handle).where(held_by(passkeys, user)).limit(1)
    found = connection.execute(query).scalar()
    return secrets.token_bytes(32) if found is None else bytes(found)


def credentials_of(connection: Connection, user: UserRef) -> list[Credential]:
    rows = connection.execute(
        select(passkeys.c.credential_id, passkeys.c.transports).where(held_by(passkeys, user))
    )
    return [
        Credential(row.credential_id, tuple(row.transports.split(",") if row.transports else ()))
        for row in rows
    ]


def check_room(connection: Connection, user: UserRef) -> None:
    """Raises `BadRequest` for a user who has as many passkeys as are allowed."""
    query = select(func.count()).select_from(passkeys).where(held_by(passkeys, user))
    if int(connection.execute(query).scalar_one()) >= MOST_PASSKEYS:
        raise BadRequest("a user may have {most} passkeys; remove one that is not used", most=MOST_PASSKEYS)


def add_passkey(connection: Connection, user: UserRef, name: str, key: NewKey) -> AddedPasskey:
    """Raises `BadRequest` for a passkey that is known."""
    name = check_name(name, most=_MOST_NAME)
    lock_row(connection, table_of(user), user.ref)
    check_room(connection, user)
    if find_passkey(connection, key.credential_id) is not None:
        raise BadRequest("this passkey was added already")
    now = moment(connection)
    done = connection.execute(
        insert(passkeys).values(
            **holder_values(user),
            credential_id=key.credential_id,
            public_key=key.public_key,
            sign_count=key.sign_count,
            handle=key.handle,
            name=name,
            transports=",".join(key.transports),
            created_at=now,
        )
    )
    made = Passkey(str(inserted_ref(done)), name, timestamp(now), None, False)
    codes = [] if count_recovery_codes(connection, user) else new_recovery_codes(connection, user)
    return AddedPasskey(made, codes)


def list_passkeys(connection: Connection, user: UserRef) -> list[Passkey]:
    rows = connection.execute(select(passkeys).where(held_by(passkeys, user)).order_by(passkeys.c.ref))
    return [
        Passkey(
            str(row.ref),
            row.name,
            timestamp(row.created_at),
            timestamp(row.used_at) if row.used_at else None,
            bool(row.copied),
        )
        for row in rows
    ]


def find_passkey(connection: Connection, credential_id: bytes) -> PasskeyKey | None:
    row = connection.execute(select(passkeys).where(passkeys.c.credential_id == credential_id)).first()
    if row is None:
        return None
    operator = row.operator_user_ref is not None
    user = UserRef(row.operator_user_ref if operator else row.user_ref, operator)
    return PasskeyKey(row.ref, user, row.name, row.public_key, row.handle, bool(row.copied))


def use_passkey(connection: Connection, ref: int, count: int) -> bool:
    """Note a use with the authenticator's counter. False, and the passkey is blocked, where the counter
    does not go on:
    an authenticator that counts never shows a number twice, so somebody has a copy."""
    # Zero is what an authenticator shows that does not count.
    goes_on = passkeys.c.sign_count < count if count else passkeys.c.sign_count == 0
    done = connection.execute(
        update(passkeys)
        .where(passkeys.c.ref == ref, passkeys.c.copied.is_(False), goes_on)
        .values(sign_count=count, used_at=moment(connection))
    )
    if done.rowcount:
        return True
    connection.execute(update(passkeys).where(passkeys.c.ref == ref).values(copied=True))
    return False


def rename_passkey(connection: Connection, user: UserRef, ref: str, name: str) -> None:
    """Raises `NotFound`."""
    done = connection.execute(
        update(passkeys)
        .where(passkeys.c.ref == ref_of(ref), held_by(passkeys, user))
        .values(name=check_name(name, most=_MOST_NAME))
    )
    if not done.rowcount:
        raise NotFound("passkey", ref)


def own_passkey(connection: Connection, user: UserRef, ref: str) -> int:
    """The number of a user's passkey. Raises `NotFound`."""
    query = select(passkeys.c.ref).where(passkeys.c.ref == ref_of(ref), held_by(passkeys, user))
    found = connection.execute(query).scalar()
    if found is None:
        raise NotFound("passkey", ref)
    return int(found)


def remove_passkey(connection: Connection, user: UserRef, ref: str) -> None:
    """Raises `NotFound`."""
    done = connection.execute(delete(passkeys).where(passkeys.c.ref == ref_of(ref), held_by(passkeys, user)))
    if not done.rowcount:
        raise NotFound("passkey", ref)
    drop_recovery_codes(connection, user)
