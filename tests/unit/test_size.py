"""Files, functions and parameter lists stay short. Tables do not count: they are as long as their subject."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.sources import LOOKS_THROUGH, SOURCE, TESTS, nodes, syntax
from tests.sources import ROOT as REPOSITORY
from tests.sources import functions as functions_of

pytestmark = LOOKS_THROUGH

PYTHON = (SOURCE, TESTS)
CONSOLE = REPOSITORY / "console" / "src"
MIGRATIONS = REPOSITORY / "src/veldnet/store/migrations/versions"
MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 500, 60, 6
# Of a command; options that belong together are one value (see `cli/shared.py`).
MAX_OPTIONS = 8
COMMANDS = "src/veldnet/cli/"
# Fewer lines are no table.
TABLE = 8
# Generated, from the description of the API and from a message format.
GENERATED = ("schema.d.ts", "_pb2.py", "_pb2.pyi")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    path: str
    file: Path
    lines: int

    @property
    def tree(self) -> ast.Module:
        return syntax(self.file)


class Measured(NamedTuple):
    """A function of a file, its lines and the number of its parameters without `self`."""

    path: str
    name: str
    lines: int
    parameters: int
    is_command: bool


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


# What is declared as an option or argument of the command line.
DECLARES_OPTION = re.compile(r"\btyper\.(Option|Argument)\(")


def _commands(file: Path) -> set[str]:
    """Functions of a file that become commands of the command line: their parameters are its options,
    declared with their texts. A helper that is given what a command was given is none."""
    found = set()
    for node in nodes(file):
        if isinstance(node, Function):
            declared = [argument.annotation for argument in node.args.args if argument.annotation]
            if any(DECLARES_OPTION.search(ast.unparse(annotation)) for annotation in declared):
                found.add(node.name)
            found |= {node.name for decorator in node.decorator_list if _makes_command(decorator)}
        elif isinstance(node, ast.Call) and _makes_command(node.func):
            found |= {argument.id for argument in node.args if isinstance(argument, ast.Name)}
    return found


def _makes_command(node: ast.expr) -> bool:
    """`app.command("name")` or `app.callback()`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in ("command", "callback")


def _measure(path: str, function: Function, commands: set[tuple[str, str]]) -> Measured:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    count = len(named) - (named[:1] != [] and named[0].arg in ("self", "cls"))
    return Measured(path, function.name, _span(function), count, (path, function.name) in commands)


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    """All files but migrations: these are lists of statements, and never change."""
    files = [path for folder in PYTHON for path in folder.rglob("*.py")]
    return [
        Module(file.relative_to(REPOSITORY).as_posix(), file, file.read_text().count("\n"))
        for file in files
        if file.parent != MIGRATIONS and not file.name.endswith(GENERATED)
    ]


def _typescript() -> Iterator[tuple[str, int]]:
    """Files of the console, and their lines without tables: constants that hold no function, the catalogues
    of texts above all."""
    for file in sorted(CONSOLE.rglob("*.ts*")):
        if not file.name.endswith(GENERATED):
            text = file.read_text()
            tables = [part for part in CONSTANT.findall(text) if "=>" not in part and "function" not in part]
            lines = text.count("\n") - sum(part.count("\n") for part in tables if part.count("\n") >= TABLE)
            yield file.relative_to(REPOSITORY).as_posix(), lines


# From `const name = {` to the bracket that closes it, both at the beginning of a line.
CONSTANT = re.compile(r"^(?:export )?const \w+[^\n]* = [{\[]\n.*?^[}\]]", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def functions(modules: list[Module]) -> list[Measured]:
    commands = {
        (module.path, name)
        for module in modules
        if module.path.startswith(COMMANDS)
        for name in _commands(module.file)
    }
    return [_measure(module.path, node, commands) for module in modules for node in functions_of(module.file)]


def test_no_file_is_long(modules: list[Module]) -> None:
    python = {each.path: each.lines - sum(map(_span, filter(_is_table, each.tree.body))) for each in modules}
    console = dict(_typescript())
    assert len(python) > 900 and len(console) > 150
    assert [path for path, lines in (python | console).items() if lines > MAX_FILE] == []


def test_no_function_is_long(functions: list[Measured]) -> None:
    """Those of the console are measured by its linter: max-lines-per-function in console/.oxlintrc.json."""
    assert len(functions) > 5000
    assert [f"{f.path} {f.name} {f.lines}" for f in functions if f.lines > MAX_FUNCTION] == []


def test_no_function_has_many_parameters(functions: list[Measured]) -> None:
    """Tests ask for fixtures by their parameters."""
    many = [
        f"{f.path} {f.name} {f.parameters}"
        for f in functions
        if f.path.startswith("src/") and f.parameters > (MAX_OPTIONS if f.is_command else MAX_PARAMETERS)
    ]
    assert many == []
