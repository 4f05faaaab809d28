"""Opens PostgreSQL where it is wanted: its driver is an extra, and takes a tenth of a second to load."""

from __future__ import annotations

from .database import Database
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
