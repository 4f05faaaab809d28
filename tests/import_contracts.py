"""The import contract of the rooms (`docs/architecture.md`), checked by `lint-imports`.

Rooms are the packages and files directly below `veldnet`; a package that is entered part by part
(`network.core`, `network.shell`) is one room for each part. The table in `pyproject.toml` lists for each room
what it may import. A module that belongs to no room, and an import that is not listed, break the contract.
"""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
from importlinter import Contract, ContractCheck, fields, output

ROOT = "veldnet"


class RoomsContract(Contract):
    """Which room may import which. Options:

    - `rooms`: one line for each room, `"name: allowed allowed ..."`; a room may always import itself. What is
      allowed but not used breaks the contract too, so that the table is the map.

    Outside of a package only what its `__init__` lists in `__all__` is imported: names, and modules that it
    declares public by their name.
    """

    rooms = fields.ListField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        table = _table(self.rooms)  # type: ignore[arg-type]
        exports = _Exports()
        missing = sorted(set(table) - {room_of(module, table) for module in graph.modules})
        problems = [f"{room} is in the table, but there is no such room" for room in missing]
        used: dict[str, set[str]] = {room: set() for room in table}
        for module in sorted(m for m in graph.modules if m == ROOT or m.startswith(f"{ROOT}.")):
            room = room_of(module, table)
            if room is None:
                problems.append(
                    f"{module} belongs to no room: enter it in the table of rooms in pyproject.toml"
                )
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(module)):
                if imported == ROOT or not imported.startswith(f"{ROOT}."):
                    continue
                target = room_of(imported, table)
                if target is None or target == room:
                    continue
                used[room].add(target)
                where = _where(graph, module, imported)
                if target not in table[room]:
                    problems.append(f"{room} must not import {target}: {where}")
                elif hidden := _hidden(module, imported, exports):
                    problems.append(f"{hidden}: {where}")
        for room, allowed in table.items():
            problems += [f"{room} may import {other}, but does not" for other in sorted(allowed - used[room])]
        return ContractCheck(kept=not problems, metadata={"problems": problems})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for problem in check.metadata["problems"]:
            output.print_error(f"- {problem}")


def _table(lines: list[str]) -> dict[str, frozenset[str]]:
    table = {}
    for line in lines:
        room, _, allowed = line.partition(":")
        table[room.strip()] = frozenset(allowed.split())
    return table


def room_of(module: str, table: dict[str, frozenset[str]]) -> str | None:
    """The room of a module: the longest entry that it is or lies below. `veldnet` itself is a room."""
    if module == ROOT:
        return ROOT if ROOT in table else None
    parts = module.split(".")[1:]
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in table:
            # A package of which parts are entered holds nothing of its own but its `__init__`.
            divided = any(entry.startswith(f"{name}.") for entry in table)
            return name if not divided or length == len(parts) else None
    return None


class _Exports:
    """What each package lists in `__all__`, read from its source."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}

    def of(self, package: str) -> frozenset[str]:
        if package not in self._known:
            self._known[package] = _all_of(Path("src", *package.split("."), "__init__.py"))
        return self._known[package]


def _all_of(path: Path) -> frozenset[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def _hidden(importer: str, imported: str, exports: _Exports) -> str | None:
    """Why `importer` must not see `imported`: the package on the way that does not list it."""
    parts = imported.split(".")
    if importer.split(".")[1] == parts[1]:
        return None
    for length in range(2, len(parts)):
        package, name = ".".join(parts[:length]), parts[length]
        if name not in exports.of(package):
            return f"{package} does not export {name}"
    return None


def _where(graph: grimp.ImportGraph, importer: str, imported: str) -> str:
    details = graph.get_import_details(importer=importer, imported=imported)
    lines = ", ".join(str(detail["line_number"]) for detail in details)
    return f"{importer} imports {imported} (line {lines})"
