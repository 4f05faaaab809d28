"""Rows that belong to a user of either kind: sessions, keys, second factors, identities, links."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from veldnet.domain.scope import UserRef
from veldnet.store.schema import (
    api_keys,
    operator_users,
    password_resets,
    sessions,
    subscribers,
    tokens,
    users,
)


def held_by(table: Table, user: UserRef) -> ColumnElement[bool]:
    """Rows of a user."""
    column: ColumnElement[int] = table.c.operator_user_ref if user.operator else table.c.user_ref
    return column == user.ref


def holder_values(user: UserRef) -> dict[str, int | None]:
    """The columns that make a row a user's."""
    return {
        "user_ref": None if user.operator else user.ref,
        "operator_user_ref": user.ref if user.operator else None,
    }


def table_of(user: UserRef) -> Table:
    return operator_users if user.operator else users


def places_of(connection: Connection, user: UserRef) -> tuple[int | None, int | None]:
    """Subscriber and operator of a user, for the audit log."""
    if user.operator:
        query = select(operator_users.c.operator_ref).where(operator_users.c.ref == user.ref)
        return None, connection.execute(query).scalar()
    row = connection.execute(
        select(subscribers.c.ref, subscribers.c.operator_ref)
        .join(users, users.c.subscriber_ref == subscribers.c.ref)
        .where(users.c.ref == user.ref)
    ).first()
    return (None, None) if row is None else (row.ref, row.operator_ref)


def end_access(connection: Connection, user: UserRef, *, keep: bytes = b"", keys: bool = False) -> None:
    """End the user's sessions but for `keep`, its tokens and links that set a password; with `keys` its API
    keys too."""
    connection.execute(delete(sessions).where(held_by(sessions, user), sessions.c.digest != keep))
    connection.execute(delete(password_resets).where(held_by(password_resets, user)))
    if not user.operator:
        connection.execute(delete(tokens).where(tokens.c.user_ref == user.ref))
    if keys:
        connection.execute(delete(api_keys).where(held_by(api_keys, user)))
