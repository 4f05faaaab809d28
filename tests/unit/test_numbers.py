"""Numbers that the documentation names beside a setting are the setting's default: "three minutes
(`alarms.base_station_silence`)", "`routing.retention` (24 hours)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.docs_generator import ROOT
from veldnet.settings import Settings

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {word: float(number) for number, word in enumerate(_WORDS, 1)} | {
    "fourteen": 14.0,
    "fifteen": 15.0,
}
_UNITS = {
    "second": 1.0,
    "s": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86_400.0,
    "year": 365 * 86_400.0,
    "dB": 1.0,
}
_NUMBER = rf"(?P<number>\d+(?:\.\d+)?|{'|'.join(_NUMBERS)}) (?P<unit>{'|'.join(_UNITS)})s?\b"
_SETTING = r"`(?P<setting>[a-z]+\.[a-z_]+)`"
_FORMS = (re.compile(rf"{_SETTING} \({_NUMBER}"), re.compile(rf"{_NUMBER},? \({_SETTING}"))


class Named(NamedTuple):
    """A number in a page, in the unit of its setting."""

    page: str
    setting: str
    value: float


def _named() -> Iterator[Named]:
    for page in sorted(ROOT.glob("docs/*.md")):
        text = " ".join(page.read_text().split())
        for form in _FORMS:
            for found in form.finditer(text):
                number = _NUMBERS.get(found["number"]) or float(found["number"])
                yield Named(page.name, found["setting"], number * _UNITS[found["unit"]])


def test_numbers_beside_settings_are_their_defaults() -> None:
    settings = Settings()
    named = list(_named())
    for each in named:
        section, name = each.setting.split(".")
        default = getattr(getattr(settings, section), name)
        assert each.value == float(default), f"{each.page}: {each.setting} is {default}"
    assert len({each.setting for each in named}) >= 6, named
