"""Texts in other languages than English, from gettext catalogues, one `veldnet.po` each."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO
from string import Formatter
from typing import Any

from .languages import Language
from .text import Text


@cache
def translations(language: Language) -> GNUTranslations:
    """The catalogue of a language, read once, when the first text in it is wanted. Plural forms are chosen by
    its own rule."""
    # English needs none of this.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    path = files(__package__) / "locales" / language / "LC_MESSAGES" / "veldnet.po"
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def in_language(message: str, language: Language) -> str:
    """A sentence in a language. What is not a `Text`, or has no translation, stays as it is."""
    if language == "en" or not isinstance(message, Text):
        return str(message)
    catalogue = translations(language)
    if message.forms is None:
        form = catalogue.gettext(message.form)
    else:
        form = catalogue.ngettext(*message.forms, message.values["count"])
    if not message.values:
        return form
    return _Local(language).vformat(form, (), message.values)


class _Local(Formatter):
    """Writes values that are texts, and decimals, in a language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if isinstance(value, BaseException) and len(value.args) == 1:
            value = value.args[0]
        if isinstance(value, Text) and conversion is None:
            return in_language(value, self._language)
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        if not isinstance(value, float):
            return str(super().format_field(value, format_spec))
        from babel.numbers import get_decimal_symbol

        return format(value, format_spec).replace(".", get_decimal_symbol(self._language))
