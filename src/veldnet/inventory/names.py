"""Checks of names given by users."""

from __future__ import annotations

from veldnet.domain.errors import InvalidField


def check_name(name: str, *, what: str = "name", most: int = 255) -> str:
    """A name that people can read, without the blanks around it. Raises `InvalidField`."""
    stripped = name.strip()
    if not 1 <= len(stripped) <= most or not stripped.isprintable():
        raise InvalidField("{what} must have 1 to {most} printable characters", what=what, most=most)
    return stripped
