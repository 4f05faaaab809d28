"""Network operators."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Connection, insert, select

from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.scope import Scope
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref
from veldnet.store.schema import operators, subscribers

_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}")


class Operator(msgspec.Struct, frozen=True):
    """A network operator."""

    code: str
    name: str


def list_operators(connection: Connection) -> list[Operator]:
    """All operators of the installation."""
    return [Operator(row.code, row.name) for row in connection.execute(select(operators))]


def create_operator(connection: Connection, code: str, name: str) -> int:
    """A network operator; `code` is what connectivity plans and HSM groups are named after."""
    if not _CODE.fullmatch(code):
        raise InvalidField(
            "operator code {code!r} must have 1 to 40 letters, digits, dots, dashes and underscores, "
            "the first a letter or digit",
            code=code[:40],
        )
    name = check_name(name, most=100)
    if connection.execute(select(operators.c.ref).where(operators.c.code == code)).first():
        raise BadRequest("operator {code} exists already", code=code)
    return inserted_ref(connection.execute(insert(operators).values(code=code, name=name)))


def find_operator(connection: Connection, code: str) -> int:
    ref = connection.execute(select(operators.c.ref).where(operators.c.code == code)).scalar()
    if ref is None:
        raise BadRequest("there is no operator {code}", code=code)
    return int(ref)


def operator_of(connection: Connection, scope: Scope) -> Operator:
    """The operator whose subscriber somebody acts for."""
    row = connection.execute(select(operators).where(operators.c.ref == scope.operator_ref)).one()
    return Operator(row.code, row.name)


def operators_of_subscribers(connection: Connection) -> dict[int, int]:
    """The operator of each subscriber."""
    rows = connection.execute(select(subscribers.c.ref, subscribers.c.operator_ref))
    return {row.ref: row.operator_ref for row in rows}
