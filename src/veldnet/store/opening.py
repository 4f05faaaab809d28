"""Opens PostgreSQL where it is wanted: its driver is an extra, and takes a tenth of a second to load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .database import Database
from .digests import MovedTable
from .interface import StoreError


def postgres_database(url: str) -> Database:
    """The database that a URL names. Raises `StoreError`."""
    try:
        from .postgres import PostgresDatabase
    except ImportError as error:
        raise StoreError(
            f"PostgreSQL needs the package psycopg ({error}): pip install 'veldnet[postgresql]'"
        ) from None
    return PostgresDatabase(url)


def move_to_postgres(source: Path, url: str, show: Callable[[str, int], None]) -> list[MovedTable]:
    """Copy a SQLite file, which nobody else has open, into the database of a URL that was begun; see
    `postgres.moving`. Raises `StoreError`."""
    from .postgres.moving import move

    return move(source, url, show)
