"""Writes TOML files: tables of text, numbers, flags and lists of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

Value = str | int | bool | Sequence[str] | Sequence[int]


def as_toml(tables: Mapping[str, Mapping[str, Value]]) -> str:
    """The text of a file with these tables, in their order; a table without members is only named."""
    parts = []
    for name, members in tables.items():
        lines = [f"[{name}]", *(f"{key} = {_written(value)}" for key, value in members.items())]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _written(value: Value) -> str:
    # Text, numbers, flags and lists of JSON are TOML, too.
    if isinstance(value, str | int):
        return msgspec.json.encode(value).decode()
    return f"[{', '.join(_written(each) for each in value)}]"
