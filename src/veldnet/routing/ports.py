"""Source ports of a route: `*`, or ports and ranges."""

from __future__ import annotations

_MOST = 255


def parse_ports(text: str) -> frozenset[int] | None:
    """The ports a route serves; None stands for all. Raises `ValueError`."""
    if text == "*":
        return None
    ports: set[int] = set()
    for part in text.split(","):
        low, dash, high = part.partition("-")
        first, last = int(low), int(high if dash else low)
        if not 0 <= first <= last <= _MOST:
            raise ValueError(f"{part!r} are no ports")
        ports.update(range(first, last + 1))
    return frozenset(ports)
