"""What explanations are made of."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """Something that was found: `level` is `ok`, `note` or `problem`."""

    level: str
    text: str
    next: str | None = None


def ago(seconds: float) -> str:
    """A span of time in words."""
    for unit, size in (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"
