"""What msgspec finds wrong with a document, as a text with the member first."""

from __future__ import annotations

import re

from veldnet.texts import Text

_EXPECTED = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_LIMITED = re.compile(r"Expected `([^`]*)` ((?:of length |matching regex )?\S.*)", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_ENUM = re.compile(r"Invalid enum value (.*)", re.DOTALL)


def validation_text(problem: str, where: str = "") -> Text:
    """The message of a `ValidationError`; `where` stands before the member."""
    text, dash, path = problem.rpartition(" - at `")
    if not dash:
        return Text("{where}{problem}", where=where, problem=_problem(problem))
    member = path.rstrip("`").removeprefix("$").removeprefix(".")
    return Text("{where}{member}: {problem}", where=where, member=member, problem=_problem(text))


def _problem(text: str) -> Text:
    """The same sentence as a text, where it is one of those that are known."""
    if found := _EXPECTED.fullmatch(text):
        return Text("Expected `{wanted}`, got `{given}`", wanted=found[1], given=found[2])
    if found := _LIMITED.fullmatch(text):
        return Text("Expected `{wanted}` {limit}", wanted=found[1], limit=found[2])
    if found := _MISSING.fullmatch(text):
        return Text("Object missing required field `{member}`", member=_short(found[1]))
    if found := _UNKNOWN.fullmatch(text):
        return Text("Object contains unknown field `{member}`", member=_short(found[1]))
    if found := _ENUM.fullmatch(text):
        return Text("Invalid enum value {value}", value=_short(found[1]))
    return Text("{problem}", problem=_short(text))


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:60]}..."
