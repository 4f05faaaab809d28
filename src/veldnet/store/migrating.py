"""Bring a database to this version's schema, with a snapshot before anything changes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, inspect, select
from sqlalchemy.sql import column, table

# The newest revision in `migrations/versions`; a test holds it current. With it a server that has nothing
# to migrate starts without Alembic, which costs a fifth of a second and 20 MB.
HEAD = "0008"


def current_revision(engine: Engine) -> str | None:
    """The revision a database has, None for an empty one."""
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(
            select(column("version_num")).select_from(table("alembic_version"))
        ).scalar()


def migrate(engine: Engine, database: Path) -> bool:
    """Upgrade `database` in place; True if there was something to do.

    An existing database is first copied to a file beside it, named after the revision it had.
    """
    current = current_revision(engine)
    if current == HEAD:
        return False
    from .alembic_chain import upgrade

    if current is not None:
        snapshot(database, database.with_name(f"{database.stem}-{current}.backup"))
    upgrade(engine)
    return True


def snapshot(database: Path, target: Path) -> None:
    """A consistent copy of a database, also while a server writes to it."""
    source = sqlite3.connect(database)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
