"""Checks of names given by users."""

from __future__ import annotations

import re
import unicodedata

from veldnet.domain.errors import InvalidField

_NON_JOINER, _JOINER, _EMOJI_STYLE = "\u200c", "\u200d", "\ufe0f"
# The flags of England, Scotland and Wales: a black flag, the letters of the region as tags, their end.
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_VIRAMA = 9


def check_name(name: str, *, what: str = "name", most: int = 255) -> str:
    """A name that people can read, without the blanks around it. Raises `InvalidField`."""
    stripped = name.strip()
    if not 1 <= len(stripped) <= most or not is_printable(stripped):
        raise InvalidField("{what} must have 1 to {most} printable characters", what=what, most=most)
    return stripped


def check_text(text: str, *, what: str = "text", most: int) -> str:
    """A text of one or more lines, without the blanks around it. Raises `InvalidField` for control
    characters and those that change the direction of what follows."""
    stripped = text.strip()
    if not 1 <= len(stripped) <= most or not is_readable(stripped):
        raise InvalidField(
            "{what} must have 1 to {most} printable characters or line breaks", what=what, most=most
        )
    return stripped


def is_readable(text: str) -> bool:
    """Whether a text has printable characters, line breaks and tabs only."""
    return is_printable(re.sub(r"[\n\r\t]", " ", text))


def is_printable(text: str) -> bool:
    """Whether a text can be read on one line, as people write: with emoji of several joined signs, and
    with what joins and separates letters in scripts that need it."""
    return text.isprintable() or printable(text, instead="") == text


def printable(text: str, *, instead: str = " ") -> str:
    """A text of somebody else's, with `instead` for each character that cannot be printed or is not seen."""
    if text.isprintable():
        return text
    flags = {at for flag in _FLAG.finditer(text) for at in range(*flag.span())}
    return "".join(
        character if character.isprintable() or at in flags or _joins(text, at) else instead
        for at, character in enumerate(text)
    )


def _joins(text: str, at: int) -> bool:
    """Whether the character is a joiner that changes how what stands around it is drawn. Anywhere else it
    would make two names that look the same."""
    if text[at] not in (_JOINER, _NON_JOINER) or not 0 < at < len(text) - 1:
        return False
    before, after = text[at - 1], text[at + 1]
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if text[at] == _NON_JOINER:
        # As in Persian, where a letter stands in its final form within a word.
        return unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == "AL"
    return (before == _EMOJI_STYLE or _is_sign(before)) and _is_sign(after)


def _is_sign(character: str) -> bool:
    """A symbol, an arrow or a skin tone, as emoji are made of."""
    return unicodedata.category(character) in ("So", "Sk", "Sm") and not character.isascii()
