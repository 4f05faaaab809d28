"""Changes of users: suspend and resume one, give it other names, make another one like it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Table, delete, select, update

from veldnet.domain.errors import MissingField
from veldnet.domain.scope import UserRef
from veldnet.inventory.names import check_name
from veldnet.store.schema import operator_users, password_resets, subscribers, users

from .holders import end_access, held_by
from .managers import check_not_last
from .users import (
    MOST_NAME,
    User,
    check_email,
    check_username,
    create_operator_user,
    create_subscriber_user,
    email_of,
    set_station_access,
)


class Naming(msgspec.Struct, frozen=True):
    """Other names of a user; what is None stays."""

    username: str | None = None
    display_name: str | None = None
    email: str | None = None


def suspend_user(connection: Connection, table: Table, ref: int, *, suspended: bool) -> bool:
    """Suspend a user or resume it; whether that changes anything. A suspended one is signed out at once,
    cannot sign in in any way, and its API keys and the projects that act as it have no access until it is
    resumed. Raises `BadRequest` for the last one who manages the others."""
    if suspended:
        check_not_last(connection, table, ref)
    done = connection.execute(
        update(table)
        .where(table.c.ref == ref, table.c.suspended.is_not(suspended))
        .values(suspended=suspended)
    )
    if done.rowcount and suspended:
        end_access(connection, UserRef(ref, table is operator_users))
    return done.rowcount > 0


def rename_user(connection: Connection, table: Table, ref: int, naming: Naming) -> None:
    """Give a user another user name, display name or e-mail address. An address that was the user name
    follows it. Links that were sent to set the password are void. Raises `InvalidField`, and `BadRequest`
    for a user name that is taken."""
    if naming == Naming():
        return
    columns = table.c
    before = connection.execute(
        select(columns.username, columns.display_name, columns.email).where(columns.ref == ref)
    ).one()
    values: dict[str, str | None] = {}
    if naming.username is not None and naming.username != before.username:
        check_username(connection, naming.username)
        values["username"] = naming.username
        if before.email == before.username and (follows := email_of(naming.username)):
            values["email"] = follows
    if naming.display_name is not None:
        values["display_name"] = check_name(naming.display_name, what="display name", most=MOST_NAME)
    if naming.email is not None:
        values["email"] = check_email(naming.email)
    changed = {name: value for name, value in values.items() if value != getattr(before, name)}
    if not changed:
        return
    connection.execute(update(table).where(columns.ref == ref).values(changed))
    if changed.keys() & {"username", "email"}:
        user = UserRef(ref, table is operator_users)
        connection.execute(delete(password_resets).where(held_by(password_resets, user)))


def copy_user(
    connection: Connection,
    table: Table,
    ref: int,
    naming: Naming,
    password_hash: str,
    *,
    stations: bool = False,
) -> User:
    """A user of the same subscriber or operator with the role and language of another one, and with
    `stations` its access to base stations. Raises as `create_subscriber_user`."""
    if naming.username is None:
        raise MissingField("username is mandatory")
    source = connection.execute(select(table).where(table.c.ref == ref)).one()
    name = naming.display_name or naming.username
    create = create_operator_user if table is operator_users else create_subscriber_user
    owner = source.operator_ref if table is operator_users else source.subscriber_ref
    made = create(connection, owner, naming.username, password_hash, name, source.role)
    number = int(made.ref)
    connection.execute(update(table).where(table.c.ref == number).values(language=source.language))
    if naming.email:
        made.email = check_email(naming.email)
        connection.execute(update(table).where(table.c.ref == number).values(email=made.email))
    if table is users:
        made.customerId = connection.execute(
            select(subscribers.c.customer_id).where(subscribers.c.ref == source.subscriber_ref)
        ).scalar_one()
    elif stations and source.station_access:
        set_station_access(connection, table, number, allowed=True)
        made.stationAccess = True
    return made
