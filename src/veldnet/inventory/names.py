"""Checks of names given by users."""

from __future__ import annotations

from veldnet.domain.errors import InvalidField


def check_name(name: str, *, what: str = "name", most: int = 255) -> str:
    """A name that people can read, without the blanks around it. Raises `InvalidField`."""
    stripped = name.strip()
    if not 1 <= len(stripped) <= most or not stripped.isprintable():
        raise InvalidField("{what} must have 1 to {most} printable characters", what=what, most=most)
    return stripped


def check_text(text: str, *, what: str = "text", most: int) -> str:
    """A text of one or more lines, without the blanks around it. Raises `InvalidField` for control
    characters and
    those that change the direction of what follows."""
    stripped = text.strip()
    if not 1 <= len(stripped) <= most or not is_readable(stripped):
        raise InvalidField(
            "{what} must have 1 to {most} printable characters or line breaks", what=what, most=most
        )
    return stripped


def is_readable(text: str) -> bool:
    """Whether a text has printable characters, line breaks and tabs only."""
    return all(character.isprintable() or character in "\n\r\t" for character in text)
