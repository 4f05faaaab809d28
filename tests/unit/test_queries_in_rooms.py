"""Handlers and commands ask the rooms; they write no SQL of their own."""

from __future__ import annotations

import ast
from pathlib import Path

import veldnet

SOURCE = Path(veldnet.__file__).parent
_SQL = {"select", "insert", "update", "delete", "text"}
# What is left, by file: the list only shrinks. The benchmark's fleet is written past the rules.
LEFT = {"api/v1/overview.py", "cli/bench/fleet.py"}


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
    assert found == LEFT
