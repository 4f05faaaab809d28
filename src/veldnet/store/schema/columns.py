"""What the tables have in common: the metadata that knows all of them, and the types of their columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy import Text as AnyText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Texts are compared by their code points, as SQLite does, whatever the language of the database.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")

# SQLite gives a table a rowid alias only for the type INTEGER.
Ref = BigInteger().with_variant(Integer(), "sqlite")

# Where a table or an index says what it has on PostgreSQL alone. SQLAlchemy's own `postgresql_where` would
# load that dialect, to see whether it knows the word: 40 ms of each start on SQLite.
ON_POSTGRESQL = "on_postgresql"


def on_postgresql(**options: Any) -> dict[str, Any]:
    """The `info` of a table or an index with options that count on PostgreSQL."""
    return {ON_POSTGRESQL: options}
