"""Outside the store nothing knows an engine: neither its driver nor words that only one of them has, or that
mean another thing in each."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.sources import LOOKS_THROUGH, SOURCE, nodes

pytestmark = LOOKS_THROUGH

_DRIVERS = {"sqlite3", "psycopg", "psycopg_pool", "asyncpg", "alembic"}
# Errors and statements of one engine are the store's; so is SQL as text.
_SQLALCHEMY = {"sqlalchemy.exc", "sqlalchemy.dialects", "sqlalchemy.engine", "sqlalchemy.ext"}
# Cutting a number to an integer rounds in one engine and truncates in the other: `expressions.whole`.
_NAMES = {"text", "literal_column", "Integer", "create_engine"}
# Functions that both have and that mean the same in both; for sums there is `expressions.total`.
_FUNCTIONS = {
    *("avg", "coalesce", "count", "lead", "lower", "max", "min", "row_number", "substr"),
}
# Upper and lower case are one in SQLite alone: `expressions.with_text` and `fitting`.
_METHODS = {"like", "ilike", "op", "bool_op", "regexp_match", "match", "collate"}
# Rows go to the database of an application, which is PostgreSQL, and has nothing to do with the store.
_APPLICATIONS = {"connections/kinds/postgresql.py"}
_STORES = {"SqliteStore", "SqliteFile", "PostgresStore", "sqlite_engine", "sqlite_database"}
# Where the engine is chosen, and where its files are copied.
_CHOICE = {
    "assembly/data_directory/directory.py",
    "assembly/data_directory/backups.py",
}


def _offences(module: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in module:
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.partition(".")[0] in _DRIVERS:
                    yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.partition(".")[0] in _DRIVERS or any(
                node.module == room or node.module.startswith(f"{room}.") for room in _SQLALCHEMY
            ):
                yield node.lineno, node.module
            for name in node.names:
                wrong = _NAMES if node.module == "sqlalchemy" else set()
                if node.module.startswith("veldnet.store"):
                    wrong = _STORES
                if name.name in wrong:
                    yield node.lineno, name.name
            if (engine := node.module.rpartition(".")[2]) in _STORES:
                yield node.lineno, engine
        elif isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "func" and node.attr not in _FUNCTIONS:
                yield node.lineno, f"func.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # `re.match` and the like are other things.
            of_module = isinstance(node.func.value, ast.Name)
            if node.func.attr in _METHODS and not of_module and _of_a_column(node.func.value):
                yield node.lineno, f".{node.func.attr}()"


def _of_a_column(node: ast.expr) -> bool:
    """`table.c.name` and `columns.name`."""
    return isinstance(node, ast.Attribute)


@pytest.mark.parametrize(
    "source",
    [
        "import sqlite3",
        "from sqlalchemy.exc import IntegrityError",
        "from sqlalchemy.dialects import sqlite",
        "from sqlalchemy import text",
        "from veldnet.store import SqliteStore",
        "from veldnet.store.sqlite_database import beside",
        "func.printf('%08X', 1)",
        "func.sum(devices.c.ref)",
        "devices.c.name.like('a%')",
        "devices.c.ref.op('>>')(12)",
    ],
)
def test_an_offence_is_found(source: str) -> None:
    assert list(_offences(ast.walk(ast.parse(source))))


def test_outside_the_store_nothing_knows_an_engine() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith("store/") or name in _APPLICATIONS:
            continue
        allowed = _STORES if name in _CHOICE else set()
        for line, what in _offences(nodes(path)):
            if what not in allowed:
                found.append(f"{name}:{line}: {what}")
    assert not found
