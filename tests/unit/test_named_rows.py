"""Rows have named fields: none is read by position, and none is a tuple of anything."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import veldnet

pytestmark = pytest.mark.xdist_group("named-rows")

SOURCE = Path(veldnet.__file__).parent
TESTS = Path(__file__).parents[1]
_ROW = re.compile(r"(^|_)row$")


@cache
def _modules() -> list[tuple[str, ast.Module]]:
    files = [
        (folder, path)
        for folder in (SOURCE, TESTS)
        for path in folder.rglob("*.py")
        if "migrations" not in path.parts
    ]
    return [(str(path.relative_to(folder.parent)), ast.parse(path.read_text())) for folder, path in files]


def _position(index: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(index)
    except ValueError:
        return None
    return value if isinstance(value, int) else None


def by_position(tree: ast.AST) -> list[int]:
    """Lines in which a row is read by a position."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name | ast.Attribute):
            name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if _ROW.search(name) and _position(node.slice) is not None:
                found.append(node.lineno)
    return found


def of_anything(tree: ast.AST) -> int:
    """How often `tuple[Any, ...]` or `Row[Any]` is written."""
    rows = {"tuple[Any, ...]", "Row[Any]"}
    return sum(isinstance(node, ast.Subscript) and ast.unparse(node) in rows for node in ast.walk(tree))


def test_no_row_is_read_by_position() -> None:
    assert {name: lines for name, tree in _modules() if (lines := by_position(tree))} == {}


def test_no_row_is_a_tuple_of_anything() -> None:
    assert {name: count for name, tree in _modules() if (count := of_anything(tree))} == {}


def test_the_checks_find_what_they_are_for() -> None:
    reads = "row[13], old_row[-4], row[0], self.row[2], n[7]"
    tree = ast.parse(f"def f(row: tuple[Any, ...], more: Row[Any]): return {reads}")
    assert (len(by_position(tree)), of_anything(tree)) == (4, 2)
