"""Properties of a database: names and values."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from .schema import properties
from .upserts import put

_VALUE = select(properties.c.value).where(properties.c.name == bindparam("of"))


def read_property(connection: Connection, name: str) -> str | None:
    return connection.execute(_VALUE, {"of": name}).scalar()


def write_property(connection: Connection, name: str, value: str) -> None:
    put(connection, properties, {"name": name, "value": value})
