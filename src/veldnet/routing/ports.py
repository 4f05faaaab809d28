"""Source ports of a route: `*`, or ports and ranges."""

from __future__ import annotations


def parse_ports(text: str) -> frozenset[int] | None:
    """The ports a route serves; None stands for all."""
    if text == "*":
        return None
    ports: set[int] = set()
    for part in text.split(","):
        low, dash, high = part.partition("-")
        ports.update(range(int(low), int(high if dash else low) + 1))
    return frozenset(ports)
