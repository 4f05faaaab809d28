"""Tags of moved devices."""

from __future__ import annotations

from veldnet.inventory.names import printable


def application_tag(name: str) -> str:
    """The tag of the devices of an application."""
    plain = printable(name)
    for character in ";|,":
        plain = plain.replace(character, "_")
    return f"application={plain.strip()}"[:50].strip()
