"""Properties of a database: names and values."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from .schema import properties


def read_property(connection: Connection, name: str) -> str | None:
    return connection.execute(select(properties.c.value).where(properties.c.name == name)).scalar()


def write_property(connection: Connection, name: str, value: str) -> None:
    done = connection.execute(update(properties).where(properties.c.name == name).values(value=value))
    if done.rowcount == 0:
        connection.execute(insert(properties).values(name=name, value=value))
