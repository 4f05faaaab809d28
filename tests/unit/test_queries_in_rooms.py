"""Handlers and commands ask the rooms; they write no SQL of their own."""

from __future__ import annotations

import ast
from pathlib import Path

import veldnet

SOURCE = Path(veldnet.__file__).parent
_SQL = {"select", "insert", "update", "delete", "text"}


def _builds_sql(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "sqlalchemy"
        and any(name.name in _SQL for name in node.names)
        for node in ast.walk(tree)
    )


def test_no_sql_in_handlers_and_commands() -> None:
    found = {
        str(path.relative_to(SOURCE))
        for room in ("api", "cli")
        for path in (SOURCE / room).rglob("*.py")
        if _builds_sql(ast.parse(path.read_text()))
    }
    assert found == set()


def _reads_the_time(tree: ast.Module) -> bool:
    """Whether it imports `time` or asks `datetime` for now."""
    for node in ast.walk(tree):
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
        if _reads_the_time(ast.parse(path.read_text()))
    }
    assert read == set()
    assert _reads_the_time(ast.parse("import time"))
    assert _reads_the_time(ast.parse("datetime.now(UTC)"))
