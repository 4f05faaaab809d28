"""PostgreSQL 15 and later, by psycopg, which is an extra of the package."""

from .database import PostgresDatabase
from .store import PostgresStore

__all__ = ["PostgresDatabase", "PostgresStore"]
