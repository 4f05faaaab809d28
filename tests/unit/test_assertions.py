"""Every test says what must hold: it asserts, expects an error or something on a page, or a helper does."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import NamedTuple

from tests.sources import LOOKS_THROUGH, TESTS, functions, statements, walk

pytestmark = LOOKS_THROUGH

# Of pytest and of Playwright.
EXPECT = {"raises", "warns", "fail", "expect"}


class Routine(NamedTuple):
    """A function of the tests: whether it says itself what must hold, and else which
    others it calls."""

    file: str
    name: str
    states: bool
    calls: frozenset[str]


def _routine(file: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Routine:
    if any(isinstance(node, ast.Assert | ast.Raise) for node in statements(function)):
        return Routine(file, function.name, True, frozenset())
    calls = [node for node in walk(function) if isinstance(node, ast.Call)]
    # What is called, and what is handed over to be called.
    names = {_name(part) for call in calls for part in (call.func, *call.args)} - {function.name, ""}
    return Routine(file, function.name, bool(names & EXPECT), frozenset(names))


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _routines() -> list[Routine]:
    return [
        _routine(path.relative_to(TESTS).as_posix(), node)
        for path in TESTS.rglob("*.py")
        for node in functions(path)
    ]


def test_every_test_says_what_must_hold() -> None:
    routines = _routines()
    assert len(routines) > 3000
    meant: dict[str, list[Routine]] = defaultdict(list)
    for routine in routines:
        # A name means that of its own file, or else any.
        meant[routine.name].append(routine)
        meant[f"{routine.file} {routine.name}"].append(routine)
    stating = {routine for routine in routines if routine.states}

    def calls_one_that_states(routine: Routine) -> bool:
        for name in routine.calls:
            those = meant.get(f"{routine.file} {name}") or meant.get(name)
            if those and stating.issuperset(those):
                return True
        return False

    while more := {each for each in routines if each not in stating and calls_one_that_states(each)}:
        stating |= more
    tests = [routine for routine in routines if routine.name.startswith("test_")]
    assert [f"{each.file} {each.name}" for each in tests if each not in stating] == []
