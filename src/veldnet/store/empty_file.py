"""A new file of SQLite gets its tables from `schema.sql`, in which all migrations have run on nothing. To run
them one by one takes half a second, which is what a new installation would mostly wait for.

`make schema` writes that file, and a test compares it with what the migrations make. A file that is older
than the newest migration is no harm: the migrations go on from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

SCHEMA = Path(__file__).with_name("schema.sql")


def fill_empty(engine: Engine) -> str | None:
    """Create the tables in a database that has none, in one transaction; the revision that it has then. None
    where there was something in it."""
    connection = engine.raw_connection()
    try:
        raw: Any = connection.driver_connection
        if raw.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
            return None
        try:
            raw.executescript(f"BEGIN IMMEDIATE;\n{SCHEMA.read_text()}\nCOMMIT;")
        except BaseException:
            raw.rollback()
            raise
        (revision,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(revision)
    finally:
        connection.close()
