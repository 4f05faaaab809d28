"""As whom users sign in at identity providers. A person is known by issuer and `sub`, never by an address."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Role, UserRef
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.store import moment
from veldnet.store.schema import identities, users

from .credentials import NO_PASSWORD
from .holders import held_by, holder_values
from .users import create_subscriber_user


class Identity(msgspec.Struct):
    """Who a user is at an identity provider."""

    ref: str
    issuer: str
    shown: str
    linked: str


class Person(msgspec.Struct, frozen=True):
    """Somebody as an identity provider tells."""

    issuer: str
    subject: str
    # For display, and as the name of a new user.
    name: str
    display_name: str
    # Only one that the provider says is verified.
    email: str | None = None


def user_of_identity(connection: Connection, issuer: str, subject: str) -> UserRef | None:
    row = connection.execute(
        select(identities.c.user_ref, identities.c.operator_user_ref).where(
            identities.c.issuer == issuer, identities.c.subject == subject
        )
    ).first()
    if row is None:
        return None
    if row.operator_user_ref is not None:
        return UserRef(row.operator_user_ref, True)
    return UserRef(row.user_ref)


def link_identity(connection: Connection, user: UserRef, person: Person) -> str:
    """Let a user sign in as somebody at a provider; returns the identity's ref."""
    known = user_of_identity(connection, person.issuer, person.subject)
    if known == user:
        raise BadRequest("this identity is linked to your account already")
    if known is not None:
        raise BadRequest("this identity belongs to another user; it must be unlinked there first")
    done = connection.execute(
        insert(identities).values(
            **holder_values(user),
            issuer=person.issuer,
            subject=person.subject,
            shown=person.name[:254],
            created_at=moment(connection),
        )
    )
    return str(inserted_ref(done))


def create_identified_user(
    connection: Connection, subscriber_ref: int, person: Person, role: Role
) -> UserRef:
    """A user without a password, who signs in at the provider. Raises `BadRequest` where the name is taken:
    a name or an address alone never gives an account of somebody else's."""
    user = create_subscriber_user(
        connection, subscriber_ref, person.name, NO_PASSWORD, person.display_name, role
    )
    made = UserRef(int(user.ref))
    connection.execute(update(users).where(users.c.ref == made.ref).values(email=person.email))
    link_identity(connection, made, person)
    return made


def list_identities(connection: Connection, user: UserRef) -> list[Identity]:
    rows = connection.execute(select(identities).where(held_by(identities, user)).order_by(identities.c.ref))
    return [Identity(str(row.ref), row.issuer, row.shown, timestamp(row.created_at)) for row in rows]


def unlink_identity(connection: Connection, user: UserRef, ref: str) -> None:
    """Raises `NotFound`."""
    done = connection.execute(
        delete(identities).where(identities.c.ref == ref_of(ref), held_by(identities, user))
    )
    if not done.rowcount:
        raise NotFound("identity", ref)
