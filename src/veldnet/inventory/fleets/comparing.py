"""What there is, what a document wants, and the difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Action = Literal["create", "change", "none", "error"]


class Difference(msgspec.Struct, frozen=True):
    """A member that is to become another one."""

    member: str
    before: Any
    wanted: Any


class Step(msgspec.Struct, frozen=True):
    """What is to be done with a thing, or why it cannot be."""

    kind: str
    key: str
    action: Action
    differences: list[Difference] = []
    error: str | None = None


def differences(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    """The members that a document names and that are otherwise; settings one by one."""
    found = []
    for name, value in wanted.items():
        there = now.get(name)
        if name == "settings":
            inner = there if isinstance(there, dict) else {}
            found += [
                Difference(f"settings.{each.member}", each.before, each.wanted)
                for each in differences(inner, value)
            ]
        elif not _same(there, value):
            found.append(Difference(name, there, value))
    return found


def _same(there: Any, wanted: Any) -> bool:
    if there in (None, "", []) and wanted in (None, "", []):
        return True
    return bool(there == wanted)
