"""Which lines a query names: identifiers with `*` for any digits."""

from __future__ import annotations

from collections.abc import Sequence


def fits_any(value: str | None, patterns: Sequence[str]) -> bool:
    """Whether a value fits one of the patterns, or there are none."""
    if not patterns:
        return True
    if value is None:
        return False
    return any(_fits(value, pattern.split("*")) for pattern in patterns)


def _fits(value: str, parts: list[str]) -> bool:
    """Whether a text consists of the parts in order, with anything between them."""
    if len(parts) == 1:
        return value == parts[0]
    first, last = parts[0], parts[-1]
    if not value.startswith(first) or not value.endswith(last) or len(value) < len(first) + len(last):
        return False
    position, end = len(first), len(value) - len(last)
    for part in parts[1:-1]:
        at = value.find(part, position, end)
        if at < 0:
            return False
        position = at + len(part)
    return True
