"""What there is, what is wanted, and the difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Difference(msgspec.Struct, frozen=True):
    """A member that is to become another one."""

    member: str
    before: Any
    wanted: Any


def differences(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    """The members that are wanted and that are otherwise; settings and options one by one."""
    found = []
    for name, value in wanted.items():
        there = now.get(name)
        if name in ("settings", "options") and isinstance(value, dict):
            inner = there if isinstance(there, dict) else {}
            found += [
                Difference(f"{name}.{each.member}", each.before, each.wanted)
                for each in differences(inner, value)
            ]
        elif not _same(there, value):
            found.append(Difference(name, there, value))
    return found


def _same(there: Any, wanted: Any) -> bool:
    if there in (None, "", []) and wanted in (None, "", []):
        return True
    if isinstance(there, list | tuple) and isinstance(wanted, list | tuple):
        return list(there) == list(wanted)
    return bool(there == wanted)
