"""Texts as rows keep them, for readers whose language is not known yet."""

from __future__ import annotations

import json
from typing import Any

from .catalogue import in_language
from .languages import Language
from .text import Plural, Text

# No sentence begins so.
_MARK = "\x1dtext "


def pack(message: str) -> str:
    """A sentence as one string; what is not a `Text` stays as it is."""
    return f"{_MARK}{json.dumps(_packed(message))}" if isinstance(message, Text) else message


def unpack(stored: str) -> str:
    """The sentence that was packed, or a string that never was."""
    return _unpacked(json.loads(stored.removeprefix(_MARK))) if stored.startswith(_MARK) else stored


def stored_in(language: Language, stored: str | None) -> str | None:
    """The sentence that a row has, in a language; one that never was packed as it is."""
    return None if stored is None else in_language(unpack(stored), language)


def _packed(value: Any) -> Any:
    if isinstance(value, Text):
        return {
            "forms": value.forms or [value.form],
            "values": {k: _packed(v) for k, v in value.values.items()},
        }
    return value if isinstance(value, int | float | str) else str(value)


def _unpacked(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    values = {name: _unpacked(value) for name, value in found["values"].items()}
    kind = Plural if len(found["forms"]) == 2 else Text
    return kind(*found["forms"], **values)
