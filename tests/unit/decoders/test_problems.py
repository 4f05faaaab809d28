"""What goes wrong in a decoder, in the user's language; what the decoder itself says stays as it is."""

from __future__ import annotations

import msgspec
import pytest

from veldnet.decoders import CayenneError, decode_cayenne
from veldnet.decoders.problems import _WORDS, Problem, words_of
from veldnet.decoders.worker import Task, run
from veldnet.texts import Text, in_language

GIVEN = {"bytes": [1, 2], "fPort": 3, "recvTime": 0, "variables": {}}


def both(source: str) -> tuple[str, str]:
    """What is wrong with a decoder, in English and in Dutch."""
    (found,) = run(Task(source, "decodeUplink", [GIVEN], 0.05, 5.0, 16_000_000))
    words = words_of(msgspec.convert(found["error"], Problem))
    return str(words), in_language(words, "nl")


@pytest.mark.parametrize(
    ("source", "english", "dutch"),
    [
        ("var a;\nvar 6;", "SyntaxError: variable name expected (line 2)",
         "Syntaxisfout: variable name expected (regel 2)"),
        ("", "the decoder has no function decodeUplink", "de decoder heeft geen functie decodeUplink"),
        ("define(['x'], () => 1);", "module x is not available to decoders",
         "module x is niet beschikbaar voor decoders"),
        ("function decodeUplink() { for (;;) {} }", "the decoder ran longer than it may",
         "de decoder deed er langer over dan is toegestaan"),
        ("function decodeUplink() { return 'x'; }", "decodeUplink must return an object",
         "decodeUplink moet een object teruggeven"),
        ("function decodeUplink() { return { a: 'x'.repeat(1e5) }; }",
         "the result is larger than 65536 characters", "het resultaat is groter dan 65536 tekens"),
        ("function decodeUplink() { return { a: Array(20000).fill(0) }; }",
         "the result has more than 10000 members", "het resultaat heeft meer dan 10000 velden"),
        ("\nfunction decodeUplink() { throw new Error('no sensor'); }", "Error: no sensor (line 2)",
         "Error: no sensor (regel 2)"),
        ("function decodeUplink() { throw { toString: null }; }",
         "the decoder threw a value that cannot be shown",
         "de decoder gooide een waarde die niet kan worden getoond"),
    ],
)  # fmt: skip
def test_the_platforms_words_have_the_users_language(source: str, english: str, dutch: str) -> None:
    assert both(source) == (english, dutch)


@pytest.mark.parametrize("said", ["no sensor", "the decoder ran longer than it may", "x {y} {0}"])
def test_the_decoders_own_words_stay_as_they_are(said: str) -> None:
    assert both(f"function decodeUplink() {{ throw {said!r}; }}") == (said, said)


def test_a_decoder_cannot_name_a_code_of_the_platform() -> None:
    assert both("function decodeUplink() { throw 'too_long\\0x\\0y'; }")[0] == "too_long"
    assert words_of(Problem("made up")) == _WORDS["broken"]


def test_cayenne_says_in_dutch_what_it_cannot_read() -> None:
    with pytest.raises(CayenneError) as failed:
        decode_cayenne(bytes([1, 103, 1]))
    problem = failed.value.args[0]
    assert isinstance(problem, Text)
    assert in_language(problem, "nl") == "octet 2: temperature heeft 2 octetten nodig, beschikbaar: 1"
    warning = decode_cayenne(bytes([1, 102, 1, 7, 7])).warning
    assert warning is not None
    assert in_language(warning, "nl") == "octet 4: type 7 is onbekend; wat erna komt is niet gelezen"
