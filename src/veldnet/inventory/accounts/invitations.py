"""Invitations: a one-time link makes somebody a user of a subscriber."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from veldnet.domain.errors import BadRequest, InvalidField, LinkExpired, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Role
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import lock_row, moment
from veldnet.store.schema import invitations, subscribers, users

from .credentials import random_text, token_digest
from .users import EMAIL, User, check_email, create_subscriber_user

_MOST = 200


class Invitation(msgspec.Struct):
    """An invitation that is not accepted yet."""

    ref: str
    email: str
    role: Role
    invitedBy: str
    created: str
    expires: str
    expired: bool


class Link(msgspec.Struct, frozen=True):
    """An invitation and the token of its link, which is in no other answer."""

    invitation: Invitation
    token: str


class Invited(msgspec.Struct):
    """What the invited person sees before accepting."""

    email: str
    role: Role
    subscriber: str
    invitedBy: str
    expires: str


def invite(
    connection: Connection, subscriber_ref: int, email: str, role: Role, *, by: str, lifetime: float
) -> Link:
    """Invite somebody. An earlier invitation of the same address is replaced, and its link with it. Whether
    the address has an account already, here or with another subscriber, is not told."""
    email = check_email(email)
    same = (invitations.c.subscriber_ref == subscriber_ref, func.lower(invitations.c.email) == email.lower())
    lock_row(connection, subscribers, subscriber_ref)
    connection.execute(delete(invitations).where(*same))
    count = connection.execute(
        select(func.count()).select_from(invitations).where(invitations.c.subscriber_ref == subscriber_ref)
    ).scalar_one()
    if count >= _MOST:
        raise BadRequest("{most} invitations are open; withdraw some first", most=_MOST)
    token, now = random_text(40), moment(connection)
    done = connection.execute(
        insert(invitations).values(
            subscriber_ref=subscriber_ref,
            email=email,
            role=role,
            digest=token_digest(token),
            invited_by=by,
            created_at=now,
            expires_at=now + int(lifetime * 1000),
        )
    )
    return Link(_own(connection, subscriber_ref, inserted_ref(done)), token)


def renew_invitation(connection: Connection, subscriber_ref: int, ref: str, lifetime: float) -> Link:
    """A new link for an invitation; the one before is void at once. Raises `NotFound`."""
    number = _own(connection, subscriber_ref, ref_of(ref)).ref
    token = random_text(40)
    connection.execute(
        update(invitations)
        .where(invitations.c.ref == int(number))
        .values(digest=token_digest(token), expires_at=moment(connection) + int(lifetime * 1000))
    )
    return Link(_own(connection, subscriber_ref, int(number)), token)


def withdraw_invitation(connection: Connection, subscriber_ref: int, ref: str) -> str:
    """Make an invitation void; returns whose it was. Raises `NotFound`."""
    found = _own(connection, subscriber_ref, ref_of(ref))
    connection.execute(delete(invitations).where(invitations.c.ref == int(found.ref)))
    return found.email


class _Stored(NamedTuple):
    ref: int
    email: str
    role: Role
    invited_by: str
    created_at: int
    expires_at: int


_STORED = select(*(invitations.c[name] for name in _Stored._fields))


def list_invitations(connection: Connection, subscriber_ref: int) -> list[Invitation]:
    rows = connection.execute(
        _STORED.where(invitations.c.subscriber_ref == subscriber_ref).order_by(invitations.c.ref.desc())
    )
    now = moment(connection)
    return [_view(_Stored(*row), now) for row in rows]


def _own(connection: Connection, subscriber_ref: int, ref: int) -> Invitation:
    row = connection.execute(
        _STORED.where(invitations.c.ref == ref, invitations.c.subscriber_ref == subscriber_ref)
    ).first()
    if row is None:
        raise NotFound("invitation", str(ref))
    return _view(_Stored(*row), moment(connection))


def _view(row: _Stored, now: int) -> Invitation:
    return Invitation(
        str(row.ref),
        row.email,
        row.role,
        row.invited_by,
        timestamp(row.created_at),
        timestamp(row.expires_at),
        row.expires_at <= now,
    )


def _opened_by(connection: Connection, token: str) -> ColumnElement[bool]:
    """The invitation whose link has a token, while it is valid."""
    return and_(invitations.c.digest == token_digest(token), invitations.c.expires_at > moment(connection))


def open_invitation(connection: Connection, token: str) -> Invited:
    """What a link invites to. Raises `LinkExpired`."""
    row = connection.execute(
        select(
            invitations.c.email,
            invitations.c.role,
            invitations.c.invited_by,
            invitations.c.expires_at,
            subscribers.c.name,
        )
        .join(subscribers, subscribers.c.ref == invitations.c.subscriber_ref)
        .where(_opened_by(connection, token))
    ).first()
    if row is None:
        raise LinkExpired
    return Invited(row.email, row.role, row.name, row.invited_by, timestamp(row.expires_at))


class Accepted(msgspec.Struct, frozen=True):
    """Who became a user of which subscriber."""

    user: User
    subscriber_ref: int
    operator_ref: int
    invited_by: str


def accept_invitation(
    connection: Connection, token: str, username: str, password_hash: str, display_name: str
) -> Accepted:
    """Make the invited person a user; the link is used up. The invited address is the user's, for only its
    owner has the link. Raises `LinkExpired`."""
    row = connection.execute(
        select(
            invitations.c.ref,
            invitations.c.subscriber_ref,
            invitations.c.email,
            invitations.c.role,
            invitations.c.invited_by,
            subscribers.c.operator_ref,
        )
        .join(subscribers, subscribers.c.ref == invitations.c.subscriber_ref)
        .where(_opened_by(connection, token))
    ).first()
    if row is None:
        raise LinkExpired
    if EMAIL.fullmatch(username) and username.lower() != row.email.lower():
        raise InvalidField(
            "a user name that is an e-mail address must be the invited one, {email}", email=row.email
        )
    user = create_subscriber_user(
        connection, row.subscriber_ref, username, password_hash, display_name, row.role
    )
    connection.execute(update(users).where(users.c.ref == int(user.ref)).values(email=row.email))
    connection.execute(delete(invitations).where(invitations.c.ref == row.ref))
    return Accepted(user, row.subscriber_ref, row.operator_ref, row.invited_by)
