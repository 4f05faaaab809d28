"""The walks of the console in its other language.

Walks are written in English. In `make screens` those of some modules are gone through in Dutch, too: what
they look for by its words is looked for by the words that the catalogues of console and server have in place
of them. Names of devices and the like are in no catalogue and stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Locator, Page
from playwright.sync_api._generated import LocatorAssertions

from veldnet.diagnosis.texts import en, nl

from .looks import EVERYTHING

Spoken = Literal["en", "nl"]
LANGUAGES: tuple[Spoken, ...] = ("en", "nl") if EVERYTHING else ("en",)
LOCALES: dict[Spoken, str] = {"en": "en-GB", "nl": "nl-NL"}

_ROOT = Path(__file__).parents[2]
_TEXT = re.compile(r"""^  "([\w.]+)":\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'),$""", re.MULTILINE)
_CHOICE = re.compile(r"\{(\w+), (?:plural|select), ")
_OPTION = re.compile(r"\s*(=?\w+)\s*\{")
_VALUE = re.compile(r"\{(\w+)[^{}]*\}")
# Shorter ones are parts of too much.
_LEAST_PART = 6
# Between texts that stand beside each other.
_JOINT = " · "
_BRACKETED = re.compile(r"(.+) \((.+)\)")
# What finds something by its words, and where they stand among the arguments.
_SEARCHES: dict[str, str | int] = {
    "get_by_role": "name",
    "get_by_text": 0,
    "get_by_label": 0,
    "get_by_title": 0,
    "get_by_alt_text": 0,
    "get_by_placeholder": 0,
    "filter": "has_text",
    "locator": "has_text",
}
_CHECKS = ("to_contain_text", "not_to_contain_text", "to_have_text", "not_to_have_text", "to_have_value")

spoken: Spoken = "en"


class _Form(NamedTuple):
    """A text, or one of its plurals, in both languages."""

    english: str
    dutch: str


def _texts(source: str) -> dict[str, str]:
    return {key: re.sub(r"\\(.)", r"\1", quoted[1:-1]) for key, quoted in _TEXT.findall(source)}


def _console() -> Iterator[tuple[str, str]]:
    folder = _ROOT / "console/src/text"
    first, second = (folder / "first.ts").read_text().split("const nl", 1)
    english = _texts((folder / "en.ts").read_text()) | _texts(first)
    dutch = _texts((folder / "nl.ts").read_text()) | _texts(second)
    return ((english[key], dutch[key]) for key in english.keys() & dutch.keys())


def _server() -> Iterator[tuple[str, str]]:
    with (_ROOT / "src/veldnet/texts/locales/nl/LC_MESSAGES/veldnet.po").open("rb") as file:
        for message in read_po(file):
            if isinstance(message.id, str):
                yield message.id, str(message.string)
            else:
                assert message.string is not None
                yield from zip(message.id, message.string, strict=True)
    for key in en.TEXTS.keys() & nl.TEXTS.keys():
        yield en.TEXTS[key], nl.TEXTS[key]


@cache
def _forms() -> list[_Form]:
    return [
        _Form(_chosen(english, number), _chosen(dutch, number))
        for english, dutch in (*_console(), *_server())
        for number in (("one", "other") if ", plural, " in english else ("other",))
    ]


def _chosen(text: str, number: str) -> str:
    """A text as it is for one, or for another number."""
    while found := _CHOICE.search(text):
        options, at = {}, found.end()
        while option := _OPTION.match(text, at):
            at = _end(text, option.end())
            options[option[1]] = text[option.end() : at - 1]
        kept = options.get(number, options["other"]).replace("#", f"{{{found[1]}}}")
        text = text[: found.start()] + kept + text[at + 1 :]
    return text


def _end(text: str, at: int) -> int:
    """Behind the brace that closes one before `at`."""
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def _pattern(template: str, named: bool) -> str:
    """A regular expression of a text with values."""
    parts = _VALUE.split(template)
    seen: set[str] = set()
    written = [re.escape(parts[0])]
    for name, rest in zip(parts[1::2], parts[2::2], strict=True):
        written.append(f"(?P<{name}>.+?)" if named and name not in seen else ".+?")
        seen.add(name)
        written.append(re.escape(rest))
    return "".join(written)


@cache
def _same(text: str) -> tuple[str, ...]:
    """Regular expressions of what the catalogues have in place of a text without values."""
    if bracketed := _BRACKETED.fullmatch(text):
        before, within = (_same(part) for part in bracketed.groups())
        if before and within:
            return (rf"(?:{'|'.join(before)}) \((?:{'|'.join(within)})\)",)
    if _JOINT in text:
        parts = [_same(part) or (re.escape(part),) for part in text.split(_JOINT)]
        return (_JOINT.join(f"(?:{'|'.join(each)})" for each in parts),)
    return tuple(sorted({re.escape(form.dutch) for form in _forms() if form.english == text}))


@cache
def _filled(text: str) -> tuple[str, ...]:
    """The same of a text with values: of the forms that have most of its words."""
    found: list[tuple[int, str]] = []
    for form in _forms():
        words = len(_VALUE.sub("", form.english))
        if 4 * words < len(text) or "{" not in form.english:
            continue
        match = re.fullmatch(_pattern(form.english, True), text)
        if match is not None:
            found.append((words, re.escape(_VALUE.sub(_of(match.groupdict()), form.dutch))))
    most = max((words for words, _ in found), default=0)
    return tuple(sorted({pattern for words, pattern in found if words == most}))


def _of(values: dict[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda place: values.get(place[1], place[0])


@cache
def _around(text: str) -> tuple[str, ...]:
    """The same of texts that a text is a part of, or of itself where it is none's."""
    if len(text) < _LEAST_PART:
        return ()
    found = {_pattern(form.dutch, False) for form in _forms() if text in form.english}
    return (*sorted(found), re.escape(text)) if found else ()


def _dutch(text: str, *, whole: bool) -> tuple[str, ...]:
    return _same(text) or (_filled(text) if whole else (*_filled(text), *_around(text)))


def _said(words: Any, *, whole: bool) -> Any:
    if isinstance(words, list | tuple):
        return [_said(each, whole=whole) for each in words]
    if isinstance(words, re.Pattern):
        plain = not re.search(r"[\\^$.*+?()\[\]|{}]", words.pattern)
        found = _dutch(words.pattern, whole=False) if plain else ()
        return re.compile("|".join(found), re.IGNORECASE) if found else words
    if not isinstance(words, str) or not (found := _dutch(words, whole=whole)):
        return words
    either = "|".join(found)
    return re.compile(rf"^\s*(?:{either})\s*$") if whole else re.compile(either, re.IGNORECASE)


def _search(plain: Callable[..., Any], place: str | int) -> Callable[..., Any]:
    def search(self: Any, *arguments: Any, **options: Any) -> Any:
        whole = bool(options.get("exact"))
        if isinstance(place, int) and arguments:
            arguments = (_said(arguments[0], whole=whole), *arguments[1:])
        elif isinstance(place, str) and place in options:
            options[place] = _said(options[place], whole=whole)
        return plain(self, *arguments, **options)

    return search


def _check(plain: Callable[..., Any], whole: bool) -> Callable[..., Any]:
    def check(self: Any, expected: Any, *arguments: Any, **options: Any) -> Any:
        return plain(self, _said(expected, whole=whole), *arguments, **options)

    return check


@contextmanager
def speaking(language: Spoken) -> Iterator[None]:
    """What is looked for meanwhile is looked for in a language, and browsers prefer it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(globals(), "spoken", language)
        if language != "en":
            for kind in (Page, Locator):
                for name, place in _SEARCHES.items():
                    if hasattr(kind, name):
                        patch.setattr(kind, name, _search(getattr(kind, name), place))
            for name in _CHECKS:
                plain = getattr(LocatorAssertions, name)
                patch.setattr(LocatorAssertions, name, _check(plain, "contain" not in name))
        yield


def in_english_alone() -> None:
    """For walks that type words of the console, or change the language themselves."""
    if spoken != "en":
        pytest.skip("this walk is written for one language")


def locale() -> str:
    """That of a browser whose user speaks the language."""
    return LOCALES[spoken]
