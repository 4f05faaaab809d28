"""Files, functions and parameter lists stay short. Tables do not count: they are as long as their subject."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src" / "veldnet"
MIGRATIONS = SOURCE / "store" / "migrations" / "versions"
MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 500, 60, 6
# Fewer lines are no table.
TABLE = 8

# What is longer today. The list only shrinks: an entry that is short enough must go.
LONG_FILES: set[str] = set()
LONG_FUNCTIONS: set[str] = set()

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Measured(NamedTuple):
    """A function of a file, its lines and the number of its parameters without `self`."""

    path: str
    name: str
    lines: int
    parameters: int


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_table(node: ast.stmt) -> bool:
    """A long constant of a module, or a class that has only fields."""
    if _span(node) < TABLE:
        return False
    if isinstance(node, ast.ClassDef):
        return all(isinstance(part, ast.AnnAssign | ast.Assign) or _is_docstring(part) for part in node.body)
    return isinstance(node, ast.Assign | ast.AnnAssign)


def _is_command(function: Function) -> bool:
    """A command of the command line: its parameters are its options, declared with their texts."""
    return any(
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ("command", "callback")
        for decorator in function.decorator_list
    )


def _measure(path: str, function: Function) -> Measured:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    count = len(named) - (named[:1] != [] and named[0].arg in ("self", "cls"))
    lines = _span(function)
    if _is_command(function):
        count, lines = 0, lines - (function.body[0].lineno - function.lineno)
    return Measured(path, function.name, lines, count)


def _modules() -> Iterator[tuple[str, int, ast.Module]]:
    """All files but migrations: these are lists of statements, and never change."""
    for file in sorted(SOURCE.rglob("*.py")):
        if file.parent == MIGRATIONS:
            continue
        text = file.read_text()
        yield file.relative_to(SOURCE).as_posix(), text.count("\n"), ast.parse(text)


@pytest.fixture(scope="module")
def files() -> dict[str, int]:
    """The lines of each file without its tables."""
    return {path: lines - sum(map(_span, filter(_is_table, tree.body))) for path, lines, tree in _modules()}


@pytest.fixture(scope="module")
def functions() -> list[Measured]:
    return [
        _measure(path, node)
        for path, _lines, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, Function)
    ]


def test_no_file_is_long(files: dict[str, int]) -> None:
    assert {path for path, lines in files.items() if lines > MAX_FILE} == LONG_FILES


def test_no_function_is_long(functions: list[Measured]) -> None:
    assert {f"{f.path} {f.name}" for f in functions if f.lines > MAX_FUNCTION} == LONG_FUNCTIONS


def test_functions_with_many_parameters_are_only_where_the_linter_lets_them_be(
    functions: list[Measured],
) -> None:
    """The linter counts parameters (PLR0913). Files that it does not check for them have such functions."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert settings["pylint"]["max-args"] == MAX_PARAMETERS
    excepted = {
        path.removeprefix("src/veldnet/")
        for path, rules in settings["per-file-ignores"].items()
        if "PLR0913" in rules and path.startswith("src/")
    }
    many = {f.path for f in functions if f.parameters > MAX_PARAMETERS}
    # Commands have a parameter for each option.
    assert {path for path in many if not path.startswith("cli/")} == excepted - {"cli/**"}
    assert not any(path.startswith(("network/core", "lorawan")) for path in excepted)
