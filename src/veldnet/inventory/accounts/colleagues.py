"""The users of a subscriber, as its administrators manage them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, exists, func, select

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Role, Scope, UserRef
from veldnet.inventory.rows import ref_of
from veldnet.store.schema import api_keys, identities, second_factors, sessions, users

from .credentials import NO_PASSWORD
from .users import set_role


class Colleague(msgspec.Struct):
    """A user of the subscriber. `lastSeen` is when a session of the user was last used, `you` whether it is
    the one who asks, `password` whether the user signs in by password."""

    ref: str
    username: str
    displayName: str
    email: str | None
    role: Role
    secondFactor: bool
    password: bool
    identities: int
    sessions: int
    apiKeys: int
    lastSeen: str | None
    you: bool
    suspended: bool


def list_colleagues(connection: Connection, scope: Scope) -> list[Colleague]:
    signed_in = (
        select(
            sessions.c.user_ref, func.count().label("sessions"), func.max(sessions.c.used_at).label("used_at")
        )
        .where(sessions.c.user_ref.is_not(None))
        .group_by(sessions.c.user_ref)
        .subquery()
    )
    keys = select(func.count()).where(api_keys.c.user_ref == users.c.ref).scalar_subquery()
    linked = select(func.count()).where(identities.c.user_ref == users.c.ref).scalar_subquery()
    factor = exists(
        select(second_factors.c.ref).where(
            second_factors.c.user_ref == users.c.ref, second_factors.c.confirmed_at.is_not(None)
        )
    )
    rows = connection.execute(
        select(
            users,
            signed_in.c.sessions,
            signed_in.c.used_at,
            keys.label("keys"),
            linked.label("linked"),
            factor.label("factor"),
        )
        .join(signed_in, signed_in.c.user_ref == users.c.ref, isouter=True)
        .where(users.c.subscriber_ref == scope.subscriber_ref)
        .order_by(users.c.username)
        .limit(10_000)
    )
    return [
        Colleague(
            str(row.ref),
            row.username,
            row.display_name,
            row.email,
            row.role,
            bool(row.factor),
            row.password_hash != NO_PASSWORD,
            row.linked,
            row.sessions or 0,
            row.keys,
            None if row.used_at is None else timestamp(row.used_at),
            row.ref == scope.user_ref,
            bool(row.suspended),
        )
        for row in rows
    ]


def own_colleague(connection: Connection, scope: Scope, ref: str) -> UserRef:
    """A user of the caller's subscriber. Raises `NotFound`, for those of another too."""
    found = connection.execute(
        select(users.c.ref).where(users.c.ref == ref_of(ref), users.c.subscriber_ref == scope.subscriber_ref)
    ).scalar()
    if found is None:
        raise NotFound("User", ref)
    return UserRef(int(found))


def other_colleague(connection: Connection, scope: Scope, ref: str) -> UserRef:
    """The same, but not the caller. Raises `BadRequest`."""
    found = own_colleague(connection, scope, ref)
    if found.ref == scope.user_ref:
        raise BadRequest("this is you: another administrator must change or remove your account")
    return found


def change_role(connection: Connection, user: UserRef, role: Role) -> bool:
    return set_role(connection, users, user.ref, role)
