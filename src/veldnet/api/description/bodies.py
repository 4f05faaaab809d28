"""Schemas of bodies for operations that refuse members which they do not know.

A type may stand in answers, too, and in bodies of KPN's operations, whose clients send more than there is:
then bodies of the own operations have a schema beside it. What can be read at the path of an operation is
read-only there: it may be sent back, and is ignored (`api/unknown_members.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

_REF = "#/components/schemas/"
_SHOWN: Schema = {"readOnly": True, "description": "Ignored in requests; what was read may be sent back."}


class Bodies:
    """Makes schemas of bodies from `components`. They take a name of those unless it is `used` elsewhere."""

    def __init__(self, components: Mapping[str, Schema], used: Iterable[str]) -> None:
        self._components = components
        self._used = set(used)
        self._names: dict[tuple[str, frozenset[str]], str] = {}
        self.schemas: dict[str, Schema] = {}

    def closed(self, schema: Schema, shown: Sequence[Schema], operation: str) -> Schema:
        """The schema of an operation's body that allows no other members; `shown` are the schemas of what can
        be read at its path."""
        if "$ref" in schema:
            return {"$ref": _REF + self._object(schema["$ref"].removeprefix(_REF), shown, operation)}
        changed = dict(schema)
        if "items" in schema:
            items = [each["items"] for each in _each(shown) if "items" in each]
            changed["items"] = self.closed(schema["items"], items, operation)
        if "anyOf" in schema:
            changed["anyOf"] = [self.closed(each, shown, operation) for each in schema["anyOf"]]
        return changed

    def _object(self, name: str, shown: Sequence[Schema], operation: str) -> str:
        """The name of the closed schema of a component."""
        component = self._components[name]
        if "properties" not in component:
            return name
        refs = {each["$ref"].removeprefix(_REF) for each in _each(shown) if "$ref" in each}
        known = self._names.get((name, frozenset(refs)))
        if known is not None:
            return known
        closed = self._names[name, frozenset(refs)] = self._free_name(name, operation)
        beside: dict[str, list[Schema]] = {}
        for ref in sorted(refs):
            for member, schema in self._components[ref].get("properties", {}).items():
                beside.setdefault(member, []).append(schema)
        members = {
            member: self.closed(schema, beside.get(member, []), operation)
            for member, schema in component["properties"].items()
        }
        members |= {member: _SHOWN for member in beside if member not in members}
        self.schemas[closed] = component | {"properties": members, "additionalProperties": False}
        return closed

    def _free_name(self, name: str, operation: str) -> str:
        """The component's own name, one that says what it is for, or one of the operation."""
        base = name.removesuffix("Body")
        of_operation = f"{operation[:1].upper()}{operation[1:]}{base}"
        free = next(each for each in (name, f"{base}Body", of_operation) if each not in self._used)
        self._used.add(free)
        return free


def references(value: Any, components: Mapping[str, Schema]) -> set[str]:
    """The names of components that schemas lead to, at any depth."""
    found: set[str] = set()
    _collect(value, components, found)
    return found


def _collect(value: Any, components: Mapping[str, Schema], found: set[str]) -> None:
    if isinstance(value, list):
        for each in value:
            _collect(each, components, found)
    elif isinstance(value, dict):
        name = value["$ref"].removeprefix(_REF) if isinstance(value.get("$ref"), str) else None
        if name is None:
            for each in value.values():
                _collect(each, components, found)
        elif name not in found:
            found.add(name)
            _collect(components[name], components, found)


def _each(schemas: Iterable[Schema]) -> Iterator[Schema]:
    """The alternatives of schemas one by one."""
    for schema in schemas:
        if "anyOf" in schema:
            yield from _each(schema["anyOf"])
        else:
            yield schema
