"""A database that is one file of SQLite, and copies of it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine

from .checksums import expect_no_checksum
from .database import Damaged
from .migrating import check_revision, copy_database, open_at_rest, snapshot, sync_directory
from .sqlite import SqliteStore, engine_errors, sqlite_engine

T = TypeVar("T")

HEADER = b"SQLite format 3\x00"
# What stands beside a database that is open, or was when its process was killed.
LOG_FILES = ("-wal", "-shm")
_JOURNAL = "-journal"
_BULK = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE")
_TABLES = {"alembic_version", "properties", "leases", "frames", "devices"}


def beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


class SqliteFile:
    """`Database` in a file. While it is made, it has another name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unfinished = beside(path, ".new")

    @property
    def name(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        try:
            size = self.path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return False
        if size == 0:
            raise Damaged(f"{self.path} is empty: it has lost its content")
        return True

    def unwritable(self) -> str | None:
        for needed in (self.path, self.path.parent):
            if not os.access(needed, os.W_OK):
                return str(needed)
        return None

    def size(self) -> int:
        return self.path.stat().st_size

    @contextmanager
    def bulk_load(self, ids: range) -> Iterator[Connection]:
        # The journal is one table.
        del ids
        engine = create_engine(f"sqlite:///{self.path}", isolation_level="AUTOCOMMIT")
        try:
            with engine_errors(), engine.connect() as connection:
                for pragma in _BULK:
                    connection.exec_driver_sql(f"PRAGMA {pragma}")
                yield connection
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        finally:
            engine.dispose()

    def begin(self, *, inline: bool = False) -> SqliteStore:
        for suffix in (*LOG_FILES, _JOURNAL):
            beside(self.unfinished, suffix).unlink(missing_ok=True)
        self.unfinished.write_bytes(b"")
        self.unfinished.chmod(0o600)
        sync_directory(self.unfinished.parent)
        store = SqliteStore(self.unfinished, inline=inline)
        try:
            store.migrate()
        except BaseException:
            store.dispose()
            raise
        return store

    def finish(self) -> None:
        self.unfinished.rename(self.path)
        sync_directory(self.path.parent)

    def open(self, *, inline: bool = False, clock: Callable[[], float] = time.time) -> SqliteStore:
        return SqliteStore(self.path, inline=inline, clock=clock)


# Copies.

# Of a damaged file the driver sometimes cannot read even the engine's message, which quotes what it found.
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)


def take_snapshot(database: Path, target: Path) -> None:
    """A consistent copy with a checksum, also while a server writes. Raises `StoreError` and `OSError`."""
    with engine_errors():
        snapshot(database, target)


def copy_at_rest(source: Path, target: Path) -> None:
    """Copy a database that no process writes to. Raises `StoreError` and `OSError`."""
    with engine_errors(), closing(open_at_rest(source)) as opened:
        copy_database(opened, target)
    expect_no_checksum(target)


def check_copy(file: Path) -> None:
    """Make sure that a file is a whole database of Veldnet, of a version that this one can take up. Raises
    `Damaged`, with what is wrong, and `UnknownRevision`."""
    try:
        with closing(open_at_rest(file)) as opened:
            (verdict,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
            tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master")}
            if verdict == "ok" and tables >= _TABLES:
                (revision,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except (*_UNREADABLE, TypeError) as error:
        raise Damaged(f"is not a whole database: {error}") from None
    if verdict != "ok":
        raise Damaged(f"is damaged: {' '.join(str(verdict).split())}")
    if not tables >= _TABLES:
        raise Damaged("is not a database of Veldnet")
    check_revision(revision)


def property_at_rest(file: Path, name: str) -> str | None:
    """A property of a database that no process writes to; None also where it cannot be read."""
    with suppress(*_UNREADABLE), closing(open_at_rest(file)) as opened:
        found = opened.execute("SELECT value FROM properties WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])
    return None


def change_copy(file: Path, change: Callable[[Connection], T]) -> T:
    """Change a database that no process has open. Raises `StoreError`."""
    engine = sqlite_engine(file)
    try:
        with engine_errors(), engine.begin() as connection:
            return change(connection)
    finally:
        engine.dispose()


def empty_log(database: Path) -> None:
    """Copy what the write-ahead log holds into the database, as far as that can be done; a killed server
    leaves it behind."""
    with suppress(*_UNREADABLE), closing(sqlite3.connect(database, timeout=30)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def remove_files(database: Path) -> None:
    """Remove a database that no process has open, with what stands beside it."""
    for suffix in ("", *LOG_FILES, _JOURNAL):
        beside(database, suffix).unlink(missing_ok=True)
