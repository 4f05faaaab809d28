"""Moves an installation from its SQLite file to PostgreSQL; the file is kept under another name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from veldnet.assembly.data_directory.directory import file_of
from veldnet.assembly.data_directory.lock import DirectoryLock, alone
from veldnet.settings import Settings
from veldnet.store import (
    HEAD,
    MovedTable,
    StoreError,
    UnknownRevision,
    move_to_postgres,
    postgres_database,
    sync_directory,
)


class MoveError(Exception):
    """The installation stays where it is."""


class Move(msgspec.Struct, frozen=True):
    """What was moved to where, and the name under which the file is kept."""

    target: str
    kept: Path
    tables: list[MovedTable]


def move_store(settings: Settings, url: str, show: Callable[[str, int], None]) -> Move:
    """Copy everything, prove it, and have the file out of the way. Raises `MoveError`, and `DirectoryInUse`
    beside a server."""
    data, file = Path(settings.data), file_of(settings)
    if settings.store.url:
        raise MoveError("the installation is on PostgreSQL already (store.url)")
    kept = file.path.with_name("veldnet.moved.db")
    try:
        if not file.exists():
            raise MoveError(f"there is no database {file.path} to move")
        if kept.exists():
            raise MoveError(f"{kept} exists already: it was moved before")
        lock = DirectoryLock.take(data, "admin migrate-store")
        try:
            with alone(data):
                return _move(settings, url, show, kept)
        finally:
            lock.release()
    except (StoreError, UnknownRevision, OSError) as error:
        raise MoveError(str(error)) from None


def _move(settings: Settings, url: str, show: Callable[[str, int], None], kept: Path) -> Move:
    file, target = file_of(settings), postgres_database(url)
    store = file.open(inline=True)
    with contextlib.ExitStack() as opened:
        opened.callback(store.dispose)
        if store.revision() != HEAD:
            raise MoveError("the database has another revision; start this version of the server on it once")
    if target.exists():
        raise MoveError(f"there is an installation in the {target.name} already")
    target.begin(inline=True).dispose()
    tables = move_to_postgres(file.path, url, show)
    target.finish()
    file.path.replace(kept)
    sync_directory(kept.parent)
    return Move(target.name, kept, tables)
