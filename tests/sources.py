"""The source of the program and of its tests, for tests that look through it. Each file is read once by all
of them: they run in one worker, by `LOOKS_THROUGH`."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "veldnet"
TESTS = ROOT / "tests"
LOOKS_THROUGH = pytest.mark.xdist_group("sources")


@cache
def syntax(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes())


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """All of a file's syntax, in no order."""
    return tuple(walk(syntax(file)))


def walk(tree: ast.AST) -> list[ast.AST]:
    """As `ast.walk`, in half of its time, without what says of a name whether it is read or written."""
    found = [tree]
    for node in found:
        for part in vars(node).values():
            if isinstance(part, list):
                found += [each for each in part if isinstance(each, ast.AST)]
            elif isinstance(part, ast.AST) and not isinstance(part, ast.expr_context):
                found.append(part)
    return found
