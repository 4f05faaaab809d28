"""Texts of the server: each in every language, with the same placeholders."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from string import Formatter

import msgspec
import pytest

from tests.sources import LOOKS_THROUGH, nodes
from tests.texts_catalogue import ELSEWHERE, KEYWORDS, SOURCE, extracted, read
from veldnet.domain.errors import InvalidField, NotFound
from veldnet.lorawan import DevEui, InvalidIdentifier
from veldnet.monitoring.alarms import types
from veldnet.monitoring.alarms.advice import ADVICE
from veldnet.settings import describe
from veldnet.texts import Plural, Text, in_language

pytestmark = LOOKS_THROUGH

# Terms that are the same in Dutch, and members and columns of the API.
_SAME = {"Frame", "Import", "Project", "Decoder", "Downlink"}


def _forms(message: object) -> tuple[str, ...]:
    return tuple(message) if isinstance(message, (tuple, list)) else (str(message),)


def _placeholders(form: str) -> set[tuple[str, str | None, str | None]]:
    return {(name, spec, conversion) for _text, name, spec, conversion in Formatter().parse(form) if name}


def test_the_dutch_catalogue_holds_every_text_of_the_source_and_no_other() -> None:
    wanted = {_forms(message.id) for message in extracted() if message.id}
    there = {_forms(message.id) for message in read("nl") if message.id}
    assert sorted(wanted - there) == [] and sorted(there - wanted) == []  # else run `make texts`
    assert len(wanted) > 500


def test_every_text_is_translated_with_its_placeholders() -> None:
    wrong = []
    for message in read("nl"):
        if not message.id:
            continue
        english, dutch = _forms(message.id), _forms(message.string)
        alike = [_placeholders(form) for form in english] == [_placeholders(form) for form in dutch]
        words = re.sub(r"\{[^}]*\}", "", english[0])
        # A sentence has blanks between its words; what has none is a term or a member of the API.
        forgotten = english == dutch and re.search(r"[a-z] [a-z]", words)
        if len(english) != len(dutch) or not all(dutch) or not alike or forgotten or message.fuzzy:
            wrong.append((english, dutch))
    assert wrong == []


def _calls() -> Iterator[tuple[str, ast.Call, list[ast.expr]]]:
    """Where texts are made, and their forms."""
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] in ELSEWHERE:
            continue
        for node in nodes(path):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in KEYWORDS:
                forms = [node.args[at - 1] for at in KEYWORDS[name] or (1,) if len(node.args) >= at]
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", node, forms


def test_texts_are_forms_with_their_values() -> None:
    """A sentence that is put together before it is given has no translation."""
    wrong = []
    for where, call, forms in _calls():
        given = {keyword.arg for keyword in call.keywords}
        for form in forms:
            literal = form.value if isinstance(form, ast.Constant) else None
            named = (
                {name for name, _spec, _conversion in _placeholders(literal)}
                if isinstance(literal, str)
                else set()
            )
            open_ended = not given or None in given
            if isinstance(form, ast.JoinedStr) or not (named <= given or open_ended):
                wrong.append(where)
    assert wrong == []


def test_a_text_is_its_english_sentence_and_is_shown_in_a_language() -> None:
    text = Text("{name} {value!r} must be true or false", name="acked", value="{x}")
    assert text == "acked '{x}' must be true or false"
    assert in_language(text, "nl") == "acked '{x}' moet true of false zijn"
    # Answers and rows hold plain text.
    assert msgspec.json.encode([in_language(text, "en"), in_language(text, "nl")])
    assert in_language("what nobody translated", "nl") == "what nobody translated"


def test_values_that_are_texts_or_decimals_follow_the_language() -> None:
    try:
        DevEui.parse("12")
    except InvalidIdentifier as error:
        refusal = InvalidField("EUI {eui!r}: {error}", eui="12", error=error)
    assert refusal.message == "Bad request: EUI '12': DevEUI must be 16 hexadecimal digits"
    assert in_language(refusal.text, "nl") == "EUI '12': DevEUI moet 16 hexadecimale cijfers zijn"
    assert in_language(NotFound("Device", "7").text, "nl") == "Geen apparaat met ref 7"
    rate = Text("More than {rate:g} requests per second; reduce the request rate", rate=2.5)
    assert in_language(rate, "nl") == "Meer dan 2,5 verzoeken per seconde; verstuur er minder"


@pytest.mark.parametrize(
    ("count", "english", "dutch"),
    [(0, "0 devices silent", "0 apparaten stil"), (1, "1 device silent", "1 apparaat stil"),
     (2, "2 devices silent", "2 apparaten stil")],
)  # fmt: skip
def test_plural_forms_follow_the_language(count: int, english: str, dutch: str) -> None:
    text = Plural("{count} device silent", "{count} devices silent", count=count)
    assert (text, in_language(text, "nl")) == (english, dutch)


def test_every_alarm_type_says_what_to_do() -> None:
    known = types.DEVICE_TYPES | types.BASE_STATION_TYPES | types.MODULE_TYPES
    assert set(ADVICE) == set(known)
    assert all(in_language(advice, "nl") != advice for advice in ADVICE.values())


def test_the_help_of_every_setting_is_translated() -> None:
    assert [setting.name for setting in describe() if _same(setting.help)] == []


def _same(sentence: str) -> bool:
    return in_language(Text(sentence), "nl") == sentence
