"""Writes `src/veldnet/store/schema.sql`: what the migrations make of an empty file (`make schema`)."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from veldnet.store import alembic_chain, sqlite_engine
from veldnet.store.empty_file import SCHEMA

# A table before its indexes and triggers. What a virtual table keeps its rows in, it makes by itself.
_STATEMENTS = """
SELECT master.sql FROM sqlite_master AS master
LEFT JOIN pragma_table_list AS listed ON listed.name = master.name AND master.type = 'table'
WHERE master.sql IS NOT NULL AND master.name NOT LIKE 'sqlite_%' AND listed.type IS NOT 'shadow'
ORDER BY master.type <> 'table', master.type, master.name
"""


def schema_of(database: Path) -> str:
    """The statements that make the tables of a database, and what it says of its version."""
    with closing(sqlite3.connect(database)) as connection:
        statements = [sql for (sql,) in connection.execute(_STATEMENTS)]
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    statements.append(f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')")
    return "".join(f"{statement};\n" for statement in statements)


def write() -> None:
    with tempfile.TemporaryDirectory(prefix="veldnet-schema-") as folder:
        path = Path(folder) / "empty.db"
        engine = sqlite_engine(path)
        alembic_chain.upgrade(engine)
        engine.dispose()
        SCHEMA.write_text(schema_of(path))


if __name__ == "__main__":
    write()
