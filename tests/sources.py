"""The source of the program and of its tests, for tests that look through it. Each file is read once by all
of them: they run in one worker, by `LOOKS_THROUGH`."""

from __future__ import annotations

import ast
import gc
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "veldnet"
TESTS = ROOT / "tests"
LOOKS_THROUGH = pytest.mark.xdist_group("sources")


@cache
def syntax(file: Path) -> ast.Module:
    """What is found stays: to look for garbage among it, here and in later tests, takes a quarter of the
    time."""
    gc.disable()
    try:
        return ast.parse(file.read_bytes())
    finally:
        gc.freeze()
        gc.enable()


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """All of a file's syntax, in no order."""
    return tuple(walk(syntax(file)))


@cache
def functions(file: Path) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    found = statements(syntax(file))
    return tuple(each for each in found if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


# Fields that hold no syntax, or nothing but whether a name is read or written and which operator it is.
_PLAIN = {
    *("ctx", "id", "attr", "kind", "type_comment", "op", "ops", "module", "level", "asname", "conversion"),
    *("simple", "is_async"),
}
_PARTS: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(field for field in kind._fields if field not in _PLAIN)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
} | {ast.Constant: ()}
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def walk(tree: ast.AST) -> list[ast.AST]:
    """As `ast.walk`, in a fifth of its time, without what says of a name whether it is read or written, and
    without operators."""
    found = [tree]
    for node in found:
        for field in _PARTS[type(node)]:
            part = getattr(node, field)
            if isinstance(part, list):
                found += [each for each in part if isinstance(each, ast.AST)]
            elif isinstance(part, ast.AST):
                found.append(part)
    return found


def statements(tree: ast.AST) -> list[ast.AST]:
    """The statement itself and all within it, without their expressions."""
    found = [tree]
    for node in found:
        for block in _BLOCKS:
            part = getattr(node, block, None)
            if isinstance(part, list):
                found += part
    return found
