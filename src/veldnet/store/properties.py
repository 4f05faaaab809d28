"""Properties of a database: names and values."""

from __future__ import annotations

from sqlalchemy import Connection, select

from .schema import properties
from .upserts import put


def read_property(connection: Connection, name: str) -> str | None:
    return connection.execute(select(properties.c.value).where(properties.c.name == name)).scalar()


def write_property(connection: Connection, name: str, value: str) -> None:
    put(connection, properties, {"name": name, "value": value})
