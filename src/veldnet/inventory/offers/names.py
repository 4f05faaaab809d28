"""Ids of plans, profiles and groups given by an operator."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select

from veldnet.domain.errors import BadRequest


def check_new_id(connection: Connection, table: Table, operator_ref: int, identifier: str) -> None:
    """Raises `BadRequest` for an id that the operator has in a table already."""
    query = select(table.c.ref).where(table.c.operator_ref == operator_ref, table.c.id == identifier)
    if connection.execute(query).first():
        raise BadRequest("{identifier} exists already", identifier=identifier)
