"""PostgreSQL 15 and later, by psycopg, which is an extra of the package."""

from .address import parse_url, shown
from .store import PostgresStore

__all__ = ["PostgresStore", "parse_url", "shown"]
