"""What goes wrong in a decoder: codes with values, which workers send, and the platform's words for them.
What the decoder's own JavaScript says stays as it is."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from veldnet.texts import Plural, Text

TOO_LONG = "too_long"
BROKEN = "broken"


class Problem(msgspec.Struct, frozen=True):
    """The code of what went wrong, and the values that its words name."""

    code: str
    values: Mapping[str, str | int] = {}


_WORDS = {
    TOO_LONG: Text("the decoder ran longer than it may"),
    BROKEN: Text("the decoder broke its process; it used more memory than it may"),
    "too_large": Text("the decoder used more memory than it may"),
    "failed": Text("the decoder failed"),
    "crashed": Text("the decoder failed: {error}"),
    "no_function": Text("the decoder has no function {function}"),
    "no_module": Text("module {module} is not available to decoders"),
    "unshowable": Text("the decoder threw a value that cannot be shown"),
    "promise": Text("{function} returned a Promise; it must return its object at once"),
    "no_object": Text("{function} must return an object"),
    "no_json": Text("{function} returned no JSON"),
    "unwritable": Text("the result cannot be written as JSON"),
    "long_result": Text("the result is larger than {most} characters"),
    "deep_result": Text("the result is nested deeper than {most}"),
    "many_members": Text("the result has more than {most} members"),
    "long_results": Text("the results are together larger than {most} characters; ask for fewer frames"),
    # What the engine or the source itself says, and in which line of the source.
    "syntax": Text("SyntaxError: {words}"),
    "syntax_in_line": Text("SyntaxError: {words} (line {line})"),
    "thrown_in_line": Text("{words} (line {line})"),
}


def console_line(line: str) -> str:
    """A line of the console, level first: a `Text` where it tells how many were left out."""
    level, _blank, text = line.partition(" ")
    if level != "dropped":
        return line
    count = int(text)
    return Plural("warn {count} more line was dropped", "warn {count} more lines were dropped", count=count)


def words_of(problem: Problem) -> str:
    """A problem in words: a `Text`, unless they are the decoder's own."""
    if problem.code == "thrown":
        return str(problem.values.get("words", ""))
    try:
        return Text(_WORDS[problem.code].form, **problem.values)
    except KeyError:
        return _WORDS[BROKEN]
