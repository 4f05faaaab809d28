"""Points in the line protocol of InfluxDB, versions 1 and 2: pure functions.

Names and tags are made safe instead of escaped where servers of some version read escapes otherwise:
backslashes and control characters become underscores, so that no name can end its part of a line or begin
another line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Value = float | bool | str
# What a document may have: more are rather a list of things than measurements of one.
MOST_FIELDS = 500
DEEPEST = 16
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The server's own: the first is dropped without a word, the others hide columns of a query.
_RESERVED = frozenset({"time", "_field", "_measurement", "_time", "_start", "_stop", "_value"})
_MOST_NAME = 255


class TooManyFields(ValueError):
    """A document has more values than a point may have."""


class TooDeep(ValueError):
    """A document has values below so many levels that nobody would look for them."""


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Value], nanoseconds: int) -> bytes:
    """One point. There is at least one field."""
    head = _measurement(measurement)
    for name, value in sorted(tags.items()):
        if value:
            head += f",{_key(name)}={_escaped(value)}"
    written = ",".join(f"{_key(name)}={_value(value)}" for name, value in fields.items())
    return f"{head} {written} {nanoseconds}\n".encode()


def fields_of(document: object) -> dict[str, Value]:
    """The values of a document of JSON, by their paths with underscores: all numbers as floating point, as a
    field that was a whole number once would not take another one. Raises `TooManyFields` and `TooDeep`."""
    found: dict[str, Value] = {}
    _collect(document, "", found, DEEPEST)
    return found


def _collect(value: object, path: str, found: dict[str, Value], levels: int) -> None:
    if isinstance(value, dict):
        parts = [(str(name), each) for name, each in value.items()]
    elif isinstance(value, list):
        parts = [(str(number), each) for number, each in enumerate(value)]
    else:
        if isinstance(value, bool | str):
            found[path or "value"] = value
        elif isinstance(value, int | float):
            found[path or "value"] = float(value)
        if len(found) > MOST_FIELDS:
            raise TooManyFields
        return
    if parts and not levels:
        raise TooDeep
    for name, each in parts:
        _collect(each, f"{path}_{name}" if path else name, found, levels - 1)


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text.encode(errors="replace").decode())[:_MOST_NAME]


def _measurement(text: str) -> str:
    safe = re.sub(r"([, ])", r"\\\1", _safe(text)) or "_"
    # A line that begins so is a comment.
    return f"_{safe[1:]}" if safe.startswith("#") else safe


def _escaped(text: str) -> str:
    return re.sub(r"([,= ])", r"\\\1", _safe(text))


def _key(text: str) -> str:
    name = f"{text}_" if text in _RESERVED else text
    return _escaped(name) or "_"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        clean = value.encode(errors="replace").decode()
        quoted = clean.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    return repr(value)
