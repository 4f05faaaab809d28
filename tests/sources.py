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
    return tuple(ast.walk(syntax(file)))
