"""Personal API keys of users: shown once, stored as digests, never with more rights than their user."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope, Scope, UserRef, lower_role
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment
from veldnet.store.schema import api_keys, operator_users, users

from .credentials import random_text, token_digest
from .holders import held_by, holder_values
from .sessions import has_station_access, operator_scope
from .tokens import Bearer, scope_of_user

# So that people and scanners of secrets recognise one.
PREFIX = "vldk_"
KeyScope = Literal["read", "write", "admin", "stations"]
# The highest role that a key acts with.
_ROLES: dict[str, str] = {"read": "ro", "write": "rw", "admin": "admin", "stations": "rw"}
_MOST = 50
_MOST_DAYS = 3660
_DAY = 86_400_000
# Uses are noted at most so often, in milliseconds.
_TOUCH_EVERY = 60_000
_NEVER = 1 << 62


def is_api_key(token: str) -> bool:
    return token.startswith(PREFIX)


class ApiKey(msgspec.Struct):
    """A personal API key. `scope` read may only look, write may change things, admin may manage users as
    well; stations may what write may, and run commands and open shells on base stations. Never more than its
    user may. `key` is in the answer that made it only."""

    ref: str
    name: str
    beginning: str
    scope: KeyScope
    created: str
    expires: str | None
    lastUsed: str | None
    expired: bool
    key: str | None = None


class KeyHolder(msgspec.Struct, frozen=True):
    """What a key stands for, and whether its use should be noted."""

    bearer: Bearer
    touch: bool


def create_key(connection: Connection, user: UserRef, name: str, scope: KeyScope, days: int | None) -> ApiKey:
    """A key that is valid for so many days, None for one that does not expire."""
    name = check_name(name, most=100)
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise InvalidField(
            "days must be 1 to {most_days}, or absent for a key that does not expire", most_days=_MOST_DAYS
        )
    if scope == "stations" and not (user.operator and has_station_access(connection, user.ref)):
        raise InvalidField("you have no access to base stations, so your keys cannot have it")
    lock_row(connection, operator_users if user.operator else users, user.ref)
    count = connection.execute(
        select(func.count()).select_from(api_keys).where(held_by(api_keys, user))
    ).scalar_one()
    if count >= _MOST:
        raise BadRequest("a user may have {most} API keys; revoke one that is not used", most=_MOST)
    key, now = PREFIX + random_text(40), moment(connection)
    beginning, expires_at = key[: len(PREFIX) + 4], None if days is None else now + days * _DAY
    done = connection.execute(
        insert(api_keys).values(
            **holder_values(user),
            name=name,
            digest=token_digest(key),
            beginning=beginning,
            scope=scope,
            created_at=now,
            expires_at=expires_at,
        )
    )
    expires = None if expires_at is None else timestamp(expires_at)
    ref = str(inserted_ref(done))
    return ApiKey(ref, name, beginning, scope, timestamp(now), expires, None, False, key)


def list_keys(connection: Connection, user: UserRef) -> list[ApiKey]:
    """The keys of a user, those that have expired too."""
    now = moment(connection)
    rows = connection.execute(select(api_keys).where(held_by(api_keys, user)).order_by(api_keys.c.ref))
    return [
        ApiKey(
            str(row.ref),
            row.name,
            row.beginning,
            row.scope,
            timestamp(row.created_at),
            None if row.expires_at is None else timestamp(row.expires_at),
            None if row.used_at is None else timestamp(row.used_at),
            row.expires_at is not None and row.expires_at <= now,
        )
        for row in rows
    ]


def revoke_key(connection: Connection, user: UserRef, ref: str) -> str:
    """End a key of a user at once; returns its name. Raises `NotFound`."""
    where = (api_keys.c.ref == ref_of(ref), held_by(api_keys, user))
    name = connection.execute(select(api_keys.c.name).where(*where)).scalar()
    if name is None:
        raise NotFound("API key", ref)
    connection.execute(delete(api_keys).where(*where))
    return str(name)


def key_holder(connection: Connection, digest: bytes) -> KeyHolder | None:
    """What a key stands for, with the lower one of its rights and its user's; None unless it is valid."""
    row = connection.execute(
        select(
            api_keys.c.user_ref,
            api_keys.c.operator_user_ref,
            api_keys.c.scope,
            api_keys.c.expires_at,
            api_keys.c.used_at,
        ).where(api_keys.c.digest == digest)
    ).first()
    now = moment(connection)
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    scope: Scope | None = None
    operator: OperatorScope | None = None
    most = _ROLES.get(row.scope, "ro")
    if row.operator_user_ref is not None:
        found = operator_scope(connection, row.operator_user_ref)
        if found is None:
            return None
        access = found.station_access and row.scope == "stations"
        operator = msgspec.structs.replace(found, role=lower_role(found.role, most), station_access=access)
    else:
        person = scope_of_user(connection, row.user_ref)
        if person is None:
            return None
        scope = msgspec.structs.replace(person, role=lower_role(person.role, most))
    touch = row.used_at is None or row.used_at + _TOUCH_EVERY < now
    return KeyHolder(Bearer(None, scope, row.expires_at or _NEVER, operator), touch)


def touch_key(connection: Connection, digest: bytes) -> None:
    """Note that a key was used just now."""
    connection.execute(update(api_keys).where(api_keys.c.digest == digest).values(used_at=moment(connection)))
