"""Renders findings in a language of the console: texts by code, plural forms, decimal signs."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter
from typing import Any

from veldnet.texts import Language, in_language

from .decisions import translated
from .findings import Explanation, Finding, Found, Text, Value
from .texts import en, nl

TEXTS: dict[Language, dict[str, str]] = {"en": en.TEXTS, "nl": nl.TEXTS}
# A decision that a record holds as a sentence; it is no text of the catalogue.
DECISION = "frame.decision"


def explanation_in(language: Language, subject: Text, findings: Sequence[Found]) -> Explanation:
    return Explanation(
        render(subject, language), tuple(finding_in(language, finding) for finding in findings)
    )


def finding_in(language: Language, finding: Found) -> Finding:
    advice = finding.advice
    if advice is None and f"{finding.text.code}.next" in TEXTS[language]:
        advice = Text(f"{finding.text.code}.next", finding.text.values)
    return Finding(
        finding.level,
        finding.text.code,
        _capitalised(render(finding.text, language)),
        None if advice is None else _capitalised(render(advice, language)),
    )


def render(text: Text, language: Language) -> str:
    """The text in a language. `<code>.one` is the form for a `count` of one."""
    if text.code == DECISION:
        return translated(str(text.values["sentence"]), language)
    texts = TEXTS[language]
    template = texts.get(f"{text.code}.one") if text.values.get("count") == 1 else None
    values = {name: _value(value, language) for name, value in text.values.items()}
    return str(_Local(language).vformat(template or texts[text.code], (), values))


def _value(value: Value, language: Language) -> str | int | float:
    if isinstance(value, Text):
        return render(value, language)
    if isinstance(value, tuple):
        return "; ".join(render(item, language) for item in value)
    # What is stored in a row may be a text of the server.
    return in_language(value, language) if isinstance(value, str) else value


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


class _Local(Formatter):
    """Writes numbers that are no integers with the decimal sign of the language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if not isinstance(value, float):
            return str(super().format_field(value, format_spec))
        text = format(value, format_spec or "g")
        return text.replace(".", ",") if self._language == "nl" else text
