"""What msgspec finds wrong with a document, as a text with the member first."""

from __future__ import annotations

import re

from veldnet.texts import Text

# Types by the names that msgspec gives them.
_TYPES = {
    str(name): name
    for name in (
        Text("str"),
        Text("int"),
        Text("float"),
        Text("bool"),
        Text("null"),
        Text("array"),
        Text("object"),
        Text("bytes"),
        Text("datetime"),
    )
}
_EXPECTED = "Expected `(?P<wanted>[^`]*)`"
# What msgspec says, and the forms of it. `wanted` and `given` are types, other values stand as they are.
_SAID = tuple(
    (re.compile(pattern, re.DOTALL), form.form)
    for pattern, form in (
        (f"{_EXPECTED}, got `(?P<given>[^`]*)`", Text("Expected `{wanted}`, got `{given}`")),
        (_EXPECTED, Text("Expected `{wanted}`")),
        (f"{_EXPECTED} (?P<limit>[<>]=? \\S+)", Text("Expected `{wanted}` {limit}")),
        (
            f"{_EXPECTED} that's a multiple of (?P<step>\\S+)",
            Text("Expected `{wanted}` that's a multiple of {step}"),
        ),
        (f"{_EXPECTED} of length (?P<limit>[<>]= \\d+)", Text("Expected `{wanted}` of length {limit}")),
        (
            f"{_EXPECTED} of length (?P<least>\\d+) to (?P<most>\\d+), got (?P<count>\\d+)",
            Text("Expected `{wanted}` of length {least} to {most}, got {count}"),
        ),
        (
            f"{_EXPECTED} of length (?P<length>\\d+), got (?P<count>\\d+)",
            Text("Expected `{wanted}` of length {length}, got {count}"),
        ),
        (
            f"{_EXPECTED} of at least length (?P<least>\\d+), got (?P<count>\\d+)",
            Text("Expected `{wanted}` of at least length {least}, got {count}"),
        ),
        (
            f"{_EXPECTED} of at most length (?P<most>\\d+), got (?P<count>\\d+)",
            Text("Expected `{wanted}` of at most length {most}, got {count}"),
        ),
        (f"{_EXPECTED} matching regex (?P<pattern>.*)", Text("Expected `{wanted}` matching regex {pattern}")),
        (f"{_EXPECTED} with a timezone component", Text("Expected `{wanted}` with a timezone component")),
        (f"{_EXPECTED} with no timezone component", Text("Expected `{wanted}` with no timezone component")),
        ("Object missing required field `(?P<member>.*)`", Text("Object missing required field `{member}`")),
        ("Object contains unknown field `(?P<member>.*)`", Text("Object contains unknown field `{member}`")),
        ("Invalid enum value (?P<value>.*)", Text("Invalid enum value {value}")),
        ("Invalid value (?P<value>.*)", Text("Invalid value {value}")),
        ("Invalid RFC3339 encoded datetime", Text("Invalid RFC3339 encoded datetime")),
        ("Invalid epoch timestamp", Text("Invalid epoch timestamp")),
        ("Invalid base64 encoded string", Text("Invalid base64 encoded string")),
        ("Invalid UUID", Text("Invalid UUID")),
        ("Integer value out of range", Text("Integer value out of range")),
        ("Number out of range", Text("Number out of range")),
        ("bytes must be in range\\(0, 256\\)", Text("bytes must be in range(0, 256)")),
        # Text that is no JSON, or not even text.
        ("Input data was truncated", Text("Input data was truncated")),
        (
            "JSON is malformed: (?P<syntax>.*) \\(byte (?P<position>\\d+)\\)",
            Text("JSON is malformed: {syntax} (byte {position})"),
        ),
        (
            "'utf-8' codec can't decode byte (?P<octet>\\w+) in position (?P<position>\\d+): (?P<syntax>.*)",
            Text("'utf-8' codec can't decode byte {octet} in position {position}: {syntax}"),
        ),
        (
            "'utf-8' codec can't decode bytes in position (?P<position>[-\\d]+): (?P<syntax>.*)",
            Text("'utf-8' codec can't decode bytes in position {position}: {syntax}"),
        ),
    )
)
# How JSON is malformed, and what is wrong with octets that are to be UTF-8.
_SYNTAX = {
    str(name): name
    for name in (
        Text("invalid character"),
        Text("invalid character in unicode escape"),
        Text("invalid escape character in string"),
        Text("invalid escaped character"),
        Text("invalid number"),
        Text("invalid utf-16 surrogate pair"),
        Text("object keys must be strings"),
        Text("unexpected end of hex escape"),
        Text("expected ',' or ']'"),
        Text("expected ',' or {brace!r}", brace="}"),
        Text("expected '\"'"),
        Text("expected ':'"),
        Text("trailing characters"),
        Text("trailing comma in array"),
        Text("trailing comma in object"),
        Text("invalid start byte"),
        Text("invalid continuation byte"),
        Text("unexpected end of data"),
    )
}
_KEY = "key` in `"


def validation_text(problem: str, where: str = "") -> Text:
    """The message of a `ValidationError`; `where` stands before the member."""
    text, dash, path = problem.rpartition(" - at `")
    if not dash:
        return Text("{where}{problem}", where=where, problem=_problem(problem))
    member: str = path.rstrip("`").removeprefix("$").removeprefix(".")
    if member.startswith(_KEY):
        # The name of a member itself is wrong.
        member = Text("key` in `{path}", path=member.removeprefix(_KEY))
    return Text("{where}{member}: {problem}", where=where, member=member, problem=_problem(text))


def malformed_text(problem: str) -> Text:
    """Why text is no JSON, in msgspec's order: the place last."""
    said, dash, path = problem.rpartition(" - at `")
    if not dash:
        return _problem(problem)
    return Text("{problem} - at `{path}`", problem=_problem(said), path=path.rstrip("`"))


def _problem(said: str) -> Text:
    """The same sentence as a text, where it is one of those that are known."""
    for pattern, form in _SAID:
        found = pattern.fullmatch(said)
        if found is not None:
            return Text(form, **{name: _value(name, value) for name, value in found.groupdict().items()})
    return Text("{problem}", problem=_short(said))


def _value(name: str, value: str) -> str:
    if name in ("wanted", "given"):
        return _types(value)
    return _SYNTAX.get(value, value) if name == "syntax" else _short(value)


def _types(names: str) -> Text:
    first, bar, others = names.partition(" | ")
    found = _TYPES.get(first) or Text("{name}", name=first)
    return Text("{first} | {others}", first=found, others=_types(others)) if bar else found


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:60]}..."
