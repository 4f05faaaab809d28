"""One-time links that set another password."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, func, insert, or_, select

from veldnet.domain.errors import LinkExpired
from veldnet.domain.scope import UserRef
from veldnet.store import moment
from veldnet.store.schema import operator_users, password_resets, users
from veldnet.texts import Language

from .credentials import NO_PASSWORD, random_text, token_digest
from .holders import held_by, holder_values, places_of, table_of
from .preferences import known_language
from .sessions import is_suspended
from .users import set_password

# Users with one address who get a link each.
_MOST = 5


class Addressee(msgspec.Struct, frozen=True):
    """A user who can be sent a link."""

    user: UserRef
    username: str
    display_name: str
    email: str
    # What the user has chosen.
    language: Language | None = None


def addressees(connection: Connection, name: str) -> list[Addressee]:
    """The users of a user name or e-mail address who have a password and an address, and are not
    suspended."""
    found: list[Addressee] = []
    for table, operator in ((users, False), (operator_users, True)):
        rows = connection.execute(
            select(table.c.ref, table.c.username, table.c.display_name, table.c.email, table.c.language)
            .where(
                or_(table.c.username == name, func.lower(table.c.email) == name.lower()),
                table.c.email.is_not(None),
                table.c.password_hash != NO_PASSWORD,
                table.c.suspended.is_(False),
            )
            .limit(_MOST)
        )
        found += [
            _addressee(UserRef(row.ref, operator), row.username, row.display_name, row.email, row.language)
            for row in rows
        ]
    return found[:_MOST]


def addressee(connection: Connection, user: UserRef) -> Addressee | None:
    """A user who may be sent a link or handed one."""
    table = table_of(user)
    columns = (table.c.username, table.c.display_name, table.c.email, table.c.language)
    row = connection.execute(select(*columns).where(table.c.ref == user.ref)).first()
    return None if row is None else _addressee(user, row.username, row.display_name, row.email, row.language)


def _addressee(
    user: UserRef, username: str, display_name: str, email: str | None, language: str | None
) -> Addressee:
    return Addressee(user, username, display_name, email or "", known_language(language))


def begin_reset(connection: Connection, user: UserRef, lifetime: float) -> str:
    """The token of a link that sets another password, in place of any before."""
    token, now = random_text(40), moment(connection)
    connection.execute(
        delete(password_resets).where(or_(held_by(password_resets, user), password_resets.c.expires_at < now))
    )
    connection.execute(
        insert(password_resets).values(
            digest=token_digest(token), **holder_values(user), expires_at=now + int(lifetime * 1000)
        )
    )
    return token


class Reset(msgspec.Struct, frozen=True):
    """Whose password was set."""

    addressee: Addressee
    subscriber_ref: int | None
    operator_ref: int | None


def open_reset(connection: Connection, token: str) -> Addressee:
    """Whose password a link sets. Raises `LinkExpired`."""
    row = connection.execute(
        select(password_resets.c.user_ref, password_resets.c.operator_user_ref).where(
            password_resets.c.digest == token_digest(token), password_resets.c.expires_at > moment(connection)
        )
    ).first()
    if row is None:
        raise LinkExpired
    operator = row.operator_user_ref is not None
    user = UserRef(row.operator_user_ref if operator else row.user_ref, operator)
    found = addressee(connection, user)
    if found is None or is_suspended(connection, user):
        raise LinkExpired
    return found


def finish_reset(connection: Connection, token: str, password_hash: str) -> Reset:
    """Set the password; the link is used up, and whatever was signed in as the user ends. Raises
    `LinkExpired`."""
    found = open_reset(connection, token)
    set_password(connection, table_of(found.user), found.user.ref, password_hash)
    subscriber, operator = places_of(connection, found.user)
    return Reset(found, subscriber, operator)
