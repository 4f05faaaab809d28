"""Opens PostgreSQL where it is wanted: its driver is an extra, and takes a tenth of a second to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from .database import Database
from .digests import MovedTable
from .interface import StoreError


class OtherDatabase(Protocol):
    """The database of another program, open to be read; its name has no password."""

    @property
    def name(self) -> str: ...

    @property
    def connection(self) -> Connection: ...

    @property
    def columns(self) -> Mapping[str, frozenset[str]]:
        """The columns of each table."""

    @property
    def keys(self) -> Mapping[str, frozenset[str]]:
        """The tables that each table refers to, with itself where it has a primary key."""


_NO_DRIVER = "PostgreSQL needs the package psycopg ({error}): pip install 'veldnet[postgresql]'"


def other_database(url: str) -> AbstractContextManager[OtherDatabase]:
    """Open the database of another program for reading, as it is at this moment. Raises `StoreError`, now and
    for what is read inside."""
    try:
        from .postgres.other import other_database as opened
    except ImportError as error:
        raise StoreError(_NO_DRIVER.format(error=error)) from None
    return opened(url)


def postgres_database(url: str) -> Database:
    """The database that a URL names. Raises `StoreError`."""
    try:
        # Searches by name have their own, which must not be left to load when the package is replaced.
        from . import name_texts  # noqa: F401
        from .postgres import PostgresDatabase
    except ImportError as error:
        raise StoreError(_NO_DRIVER.format(error=error)) from None
    return PostgresDatabase(url)


def move_to_postgres(source: Path, url: str, show: Callable[[str, int], None]) -> list[MovedTable]:
    """Copy a SQLite file, which nobody else has open, into the database of a URL that was begun; see
    `postgres.moving`. Raises `StoreError`."""
    from .postgres.moving import move

    return move(source, url, show)
