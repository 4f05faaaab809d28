"""E7: explanations in every language of the console, with the same texts in each."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from veldnet.diagnosis.causes import CAUSES, REFUSALS, cause, refusal
from veldnet.diagnosis.decisions import has_form, translated
from veldnet.diagnosis.findings import Found, Text, ago, found
from veldnet.diagnosis.language import TEXTS, finding_in, render
from veldnet.texts import LANGUAGES, Language, preferred_language

SOURCE = Path(__file__).parents[3] / "src" / "veldnet" / "diagnosis"
CONSOLE = Path(__file__).parents[3] / "console" / "src" / "text"


def _placeholders(template: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(template) if name is not None}


def test_e7_the_languages_are_those_of_the_console() -> None:
    assert set(LANGUAGES) == {path.stem for path in CONSOLE.glob("??.ts")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_e7_every_language_has_the_same_texts(language: Language) -> None:
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for code, template in TEXTS[language].items():
        assert template.strip(), code
        assert _placeholders(template) == _placeholders(TEXTS["en"][code]), code


# Words that the languages share.
_INTERNATIONAL = {
    "RX1",
    "RX2",
    "join-accept",
    "join-request",
    "rejoin-request",
    "downlink",
    "frame",
    "dBm",
    "dB",
    "s",
    "later",
}


def test_e7_dutch_texts_are_not_the_english_ones() -> None:
    alike = {code for code, text in TEXTS["nl"].items() if text == TEXTS["en"][code]}
    # Only what has no words of a language in it.
    words = {re.sub(r"\{[^}]*\}", "", TEXTS["en"][code]) for code in alike}
    assert {word for text in words for word in re.findall(r"[\w-]+", text)} <= _INTERNATIONAL


def _codes_in_use() -> set[str]:
    """The first text of each call of `found` and `Text` that is written out."""
    codes = set()
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                position = {"found": 1, "Text": 0}.get(node.func.id)
                if position is not None and len(node.args) > position:
                    codes |= {
                        part.value
                        for part in ast.walk(node.args[position])
                        if isinstance(part, ast.Constant)
                        and isinstance(part.value, str)
                        and "." in part.value
                    }
    return codes


def test_e7_every_code_in_use_has_texts() -> None:
    used = {code for code in _codes_in_use() if re.fullmatch(r"\w.*[^._]", code)}
    assert len(used) > 40
    assert not used - TEXTS["en"].keys() - {"frame.decision"}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("nl", "nl"),
        ("nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("NL-be", "nl"),
        ("en-US,nl;q=0.5", "en"),
        ("de-DE,nl;q=0.4,en;q=0.3", "nl"),
        ("nl;q=0,en;q=0.1", "en"),
        ("nl;q=much", "en"),
        ("nl;q=nan", "en"),
        ("*;q=0.5", "en"),
        (",;,=;;q", "en"),
        ("x" * 10_000, "en"),
        ("fr," * 5000 + "nl", "en"),
    ],
)
def test_e7_the_language_is_what_the_client_prefers(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


def test_e7_numbers_and_plural_forms_follow_the_language() -> None:
    weak = found("note", "device.weak", margin=2.25)
    assert "2.2 dB" in finding_in("en", weak).text and "2,2 dB" in finding_in("nl", weak).text
    one, two = (Text("stations", {"count": count}) for count in (1, 2))
    assert [render(one, "en"), render(two, "en")] == ["1 base station", "2 base stations"]
    assert [render(one, "nl"), render(two, "nl")] == ["1 basisstation", "2 basisstations"]
    assert [render(ago(seconds), "nl") for seconds in (1, 61, 7300, 900_000)] == [
        "1 seconde", "61 seconden", "2 uur", "10 dagen"
    ]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", sorted({*REFUSALS, "never_seen"}))
def test_e7_a_refusal_has_a_reason_and_advice(code: str, language: Language) -> None:
    why, advice = refusal(code)
    finding = finding_in(language, Found("problem", Text("frame.refused", {"why": why}), advice))
    assert (
        finding.text and finding.next and finding.next[0].isupper() and "{" not in finding.text + finding.next
    )


@pytest.mark.parametrize("code", sorted({*CAUSES, "ZZ"}))
def test_e7_causes_have_texts(code: str) -> None:
    assert render(cause(code), "en") and render(cause(code), "nl")


def test_e7_hostile_values_are_shown_as_they_are() -> None:
    """What comes from outside is no template."""
    reason = "{0.__class__} {station} %s"
    finding = found("note", "station.unreadable", station="FF", number=1, ago=ago(5), reason=reason)
    assert reason in finding_in("nl", finding).text


def test_e7_decisions_are_translated_with_their_parts() -> None:
    assert translated("no downlink: nothing to send", "nl") == "geen downlink: niets te verzenden"
    assert translated("ADR: stays, 3 of 20 uplinks seen", "nl") == "ADR: blijft, 3 van 20 uplinks gezien"
    assert translated("discarded: validity expired", "nl") == "verwijderd: de geldigheid is verlopen"
    assert translated("written by an earlier version", "nl") == "written by an earlier version"
    assert not has_form("written by an earlier version")
