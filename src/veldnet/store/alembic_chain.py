"""The chain of migrations, as Alembic runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def head_revision() -> str | None:
    """The end of the chain."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def served_on() -> frozenset[str]:
    """Earlier revisions whose programs go on with the newest tables, so that their nodes may serve on while
    the first of this version upgrades them: as far back as each migration says `two_steps = True`. What is
    new is added then, and may be left empty; what is old is dropped by a later version."""
    found = set()
    for script in ScriptDirectory.from_config(_config()).walk_revisions():
        if not getattr(script.module, "two_steps", False):
            break
        found.add(str(script.down_revision))
    return frozenset(found)


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run every migration up to a revision that the database lacks, in one transaction."""
    with engine.connect() as connection, _foreign_keys_off(connection), connection.begin():
        upgrade_within(connection, revision)
        _check_foreign_keys(connection)


def upgrade_within(connection: Connection, revision: str = "head") -> None:
    """Run every migration up to a revision that the database lacks in the transaction of a connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def stamp(connection: Connection) -> None:
    """Note that a database has the newest schema."""
    config = _config()
    config.attributes["connection"] = connection
    command.stamp(config, "head")


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making another one in its place. While foreign keys are enforced, dropping
    the one before deletes every row that names it. The setting can only be changed outside a transaction."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys=OFF").close()
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON").close()


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise RuntimeError(
                f"row {broken[1]} of table {broken[0]} names a row of {broken[2]} that is gone"
            )
