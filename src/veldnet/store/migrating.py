"""Migrates a database to this version's schema, with a snapshot before anything changes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.sql import column, table

from .checksums import add_checksum
from .empty_file import fill_empty

# The newest revision in `migrations/versions`; a test holds it current. With it a server that has nothing
# to migrate starts without Alembic, which costs a fifth of a second and 20 MB.
HEAD = "0064"

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


class UnknownRevision(Exception):
    """A database that a newer version of Veldnet has made, or something else."""


def current_revision(engine: Engine) -> str | None:
    """The revision a database has, None for an empty one."""
    with engine.connect() as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """The revision a database has, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()


def migrate(engine: Engine, database: Path) -> bool:
    """Upgrade `database` in place; True if there was something to do.

    An existing database is first copied to a file beside it, named after the revision it had. Raises
    `UnknownRevision` where a newer version has upgraded it.
    """
    current = current_revision(engine)
    if current == HEAD:
        return False
    if current is not None:
        check_revision(current)
        snapshot(database, database.with_name(f"{database.stem}-{current}.backup"))
    elif fill_empty(engine) == HEAD:
        return True
    from .alembic_chain import upgrade

    upgrade(engine)
    return True


def check_revision(revision: str, oldest: str = "") -> None:
    """Raises `UnknownRevision` for one that this version does not know, or is older than `oldest`."""
    known = sorted(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))
    if revision not in known or revision < oldest:
        raise UnknownRevision(
            f"its schema has revision {revision!r}, which this version of Veldnet does not know "
            f"(its newest is {HEAD}); use the version that made it, or a newer one"
        )


def snapshot(database: Path, target: Path) -> None:
    """A consistent copy of a database with a checksum, also while a server writes to it. `target` is whole or
    not there. Raises `OSError` and `sqlite3.Error`."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        # Not as a file that nobody changes: a server may be about to.
        with closing(_open(database, "mode=rw")) as source:
            copy_database(source, partial)
        add_checksum(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    sync_directory(target.parent)


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database, with what its write-ahead log holds, to a new file. Raises `OSError` and
    `sqlite3.Error`."""
    target.touch(0o600, exist_ok=False)
    with closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        # One file that is whole by itself; whoever opens it sets the journal mode.
        copy.execute("PRAGMA journal_mode=DELETE").close()
    with target.open("rb") as written:
        os.fsync(written.fileno())


def open_at_rest(database: Path) -> sqlite3.Connection:
    """Open a database that no process writes to, without writing beside it where it has no log to read."""
    has_log = database.with_name(f"{database.name}-wal").exists()
    return _open(database, "mode=ro" if has_log else "mode=ro&immutable=1")


def _open(database: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(database.absolute()))}?{how}", uri=True, timeout=30)


def sync_directory(directory: Path) -> None:
    """Make names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
