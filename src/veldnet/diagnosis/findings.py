"""Findings: a code and its values, rendered in a language at the end."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Level = Literal["ok", "note", "problem"]


class Text(msgspec.Struct, frozen=True):
    """A sentence, or a part of one: the code of a text of the catalogue, and the values that it names."""

    code: str
    values: dict[str, Value] = {}


Value: TypeAlias = "str | int | float | Text | tuple[Text, ...]"


class Found(msgspec.Struct, frozen=True):
    """A finding before it is rendered. Without `advice` the catalogue's text `<code>.next` is the advice."""

    level: Level
    text: Text
    advice: Text | None = None


class Finding(msgspec.Struct, frozen=True):
    """Something that was found: `level` is `ok`, `note` or `problem`; `code` names the finding in every
    language; `text` and `next`, the recommended next step, are in the language that was asked for."""

    level: Level
    code: str
    text: str
    next: str | None = None


class Explanation(msgspec.Struct, frozen=True):
    """What is known of a device or frame, the most telling findings first."""

    subject: str
    findings: tuple[Finding, ...]


def found(level: Level, code: str, advice: Text | None = None, **values: Value) -> Found:
    return Found(level, Text(code, values), advice)


def ago(seconds: float) -> Text:
    """A span of time."""
    for unit, size in (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return Text(f"span.{unit}", {"count": round(seconds / size)})
    return Text("span.seconds", {"count": round(max(seconds, 0))})
