"""Rows have named fields: none is read by position, and none is a tuple of anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.sources import LOOKS_THROUGH, SOURCE, TESTS, nodes

pytestmark = LOOKS_THROUGH

_ROW = re.compile(r"(^|_)row$")
# Without one of these a file reads no row and has no tuple of anything: its syntax is not looked through.
_ANY_ROW = re.compile(rb"row\)*\s*\[|\btuple\s*\[\s*Any\b|\bRow\s*\[")


def _modules() -> Iterator[tuple[str, tuple[ast.AST, ...]]]:
    for folder in (SOURCE, TESTS):
        for path in folder.rglob("*.py"):
            if "migrations" not in path.parts and _ANY_ROW.search(path.read_bytes()):
                yield str(path.relative_to(folder.parent)), nodes(path)


def _position(index: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(index)
    except ValueError:
        return None
    return value if isinstance(value, int) else None


def by_position(module: Iterable[ast.AST]) -> list[int]:
    """Lines in which a row is read by a position."""
    found = []
    for node in module:
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name | ast.Attribute):
            name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if _ROW.search(name) and _position(node.slice) is not None:
                found.append(node.lineno)
    return found


def of_anything(module: Iterable[ast.AST]) -> int:
    """How often `tuple[Any, ...]` or `Row[Any]` is written."""
    rows = {"tuple[Any, ...]", "Row[Any]"}
    return sum(
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("tuple", "Row")
        and ast.unparse(node) in rows
        for node in module
    )


def test_no_row_is_read_by_position() -> None:
    assert {name: lines for name, module in _modules() if (lines := by_position(module))} == {}


def test_no_row_is_a_tuple_of_anything() -> None:
    assert {name: count for name, module in _modules() if (count := of_anything(module))} == {}


def test_the_checks_find_what_they_are_for() -> None:
    reads = "row[13], old_row[-4], row[0], self.row[2], n[7]"
    module = list(ast.walk(ast.parse(f"def f(row: tuple[Any, ...], more: Row[Any]): return {reads}")))
    assert (len(by_position(module)), of_anything(module)) == (4, 2)
