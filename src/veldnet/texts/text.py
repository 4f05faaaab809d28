"""A sentence in English that knows how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any


class Text(str):
    """A sentence in English, and the form and values that it was made of. It passes for the sentence
    in Python; `in_language` makes plain text of it, which is what goes into answers and rows. A value may be
    a `Text` itself."""

    __slots__ = ("form", "forms", "values")

    form: str
    # Singular and plural of a text that counts.
    forms: tuple[str, str] | None
    values: Mapping[str, Any]

    def __new__(cls, form: str, /, **values: Any) -> Text:
        text = super().__new__(cls, english(form, values))
        text.form, text.forms, text.values = form, None, values
        return text


class Plural(Text):
    """A text that counts: its form for one, its form for more, and the `count` that chooses."""

    __slots__ = ()

    def __new__(cls, one: str, more: str, /, **values: Any) -> Plural:
        text = super(Text, cls).__new__(cls, english(one if values["count"] == 1 else more, values))
        text.form, text.forms, text.values = one, (one, more), values
        return text


def english(form: str, values: Mapping[str, Any]) -> str:
    """The English sentence. A form without values is a sentence, whatever characters it holds."""
    return Formatter().vformat(form, (), values) if values else form
