"""Who manages the users of a subscriber or of the operator."""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, select

from veldnet.domain.errors import BadRequest
from veldnet.store import lock_row
from veldnet.store.schema import operator_users, operators, subscribers


def check_not_last(connection: Connection, table: Table, ref: int) -> None:
    """Whether a user may be suspended, removed or get a lower role: somebody must be left who manages the
    others. Raises `BadRequest`."""
    operator = table is operator_users
    owner, owners = (table.c.operator_ref, operators) if operator else (table.c.subscriber_ref, subscribers)
    managing = "rw" if operator else "admin"
    row = connection.execute(
        select(table.c.username, table.c.role, table.c.suspended, owner.label("owner")).where(
            table.c.ref == ref
        )
    ).one()
    if row.role != managing or row.suspended:
        return
    # Two who suspend each other do so one after the other.
    lock_row(connection, owners, row.owner)
    others = select(func.count()).where(
        owner == row.owner, table.c.role == managing, table.c.suspended.is_(False), table.c.ref != ref
    )
    if connection.execute(others).scalar_one():
        return
    if operator:
        raise BadRequest(
            "user {username} is the last one of the operator who may change things; create another one first",
            username=row.username,
        )
    raise BadRequest(
        "user {username} is the last administrator of its subscriber; make another user administrator first, "
        "or suspend the subscriber",
        username=row.username,
    )
