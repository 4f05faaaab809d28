"""Bring a database to this version's schema, with a snapshot before anything changes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head_revision() -> str:
    """The revision that this version of Veldnet expects."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def migrate(engine: Engine, database: Path) -> bool:
    """Upgrade `database` in place; True if there was something to do.

    An existing database is first copied to a file beside it, named after the revision it had.
    """
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head_revision():
        return False
    if current is not None:
        snapshot(database, database.with_name(f"{database.stem}-{current}.backup"))
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
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
