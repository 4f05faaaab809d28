"""Handlers and commands ask the rooms; they write no SQL of their own."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tests.sources import LOOKS_THROUGH, SOURCE, nodes

pytestmark = LOOKS_THROUGH

_SQL = {"select", "insert", "update", "delete", "text"}


def _builds_sql(module: Iterable[ast.AST]) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "sqlalchemy"
        and any(name.name in _SQL for name in node.names)
        for node in module
    )


def test_no_sql_in_handlers_and_commands() -> None:
    found = {
        str(path.relative_to(SOURCE))
        for room in ("api", "cli")
        for path in (SOURCE / room).rglob("*.py")
        if _builds_sql(nodes(path))
    }
    assert found == set()


def _reads_the_time(module: Iterable[ast.AST]) -> bool:
    """Whether it imports `time` or asks `datetime` for now."""
    for node in module:
        if isinstance(node, ast.Import) and any(name.name == "time" for name in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            return True
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
            return True
    return False


def test_the_inventory_goes_by_the_clock_of_its_store() -> None:
    read = {
        str(path.relative_to(SOURCE))
        for path in (SOURCE / "inventory").rglob("*.py")
        if _reads_the_time(nodes(path))
    }
    assert read == set()
    assert _reads_the_time(ast.walk(ast.parse("import time")))
    assert _reads_the_time(ast.walk(ast.parse("datetime.now(UTC)")))
