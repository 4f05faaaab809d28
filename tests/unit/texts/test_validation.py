"""What is wrong with a document: msgspec's own sentence in English, and the same in Dutch."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import pytest
from msgspec import Meta

from veldnet.api.body import json_object
from veldnet.domain.errors import BadRequest
from veldnet.domain.validation import validation_text
from veldnet.texts import in_language


class _Pair(NamedTuple):
    a: int
    b: int


class _Known(msgspec.Struct, forbid_unknown_fields=True):
    a: int
    kind: Literal["A", "B"] = "A"
    day: Annotated[int, Meta(ge=1)] = 1
    name: Annotated[str, Meta(min_length=2, max_length=5)] = "ab"
    code: Annotated[str, Meta(pattern="^[0-9]+$")] = "1"
    list: Annotated[tuple[int, ...], Meta(max_length=2)] = ()
    pair: tuple[int, int] = (0, 0)
    named: _Pair = _Pair(0, 0)
    either: int | str | None = None
    share: Annotated[float, Meta(gt=0.5, le=1)] = 1.0
    step: Annotated[int, Meta(multiple_of=3)] = 3
    octets: bytes = b""
    numbers: dict[int, int] = {}


@pytest.mark.parametrize(
    ("members", "english", "dutch"),
    [
        ({}, "Object missing required field `a`", "In het object ontbreekt het verplichte veld `a`"),
        ({"a": "x"}, "a: Expected `int`, got `str`", "a: Verwacht: geheel getal, gekregen: tekst"),
        ({"b": 1}, "Object contains unknown field `b`", "Het object heeft een onbekend veld `b`"),
        ({"kind": "C"}, "kind: Invalid enum value 'C'", "kind: Ongeldige waarde 'C'"),
        ({"day": 0}, "day: Expected `int` >= 1", "day: Verwacht: geheel getal >= 1"),
        ({"name": "a"}, "name: Expected `str` of length >= 2", "name: Verwacht: tekst met een lengte >= 2"),
        ({"code": "x"}, "code: Expected `str` matching regex '^[0-9]+$'",
         "code: Verwacht: tekst die voldoet aan de reguliere expressie '^[0-9]+$'"),
        ({"list": [1, 2, 3]}, "list: Expected `array` of length <= 2",
         "list: Verwacht: lijst met een lengte <= 2"),
        ({"pair": [1]}, "pair: Expected `array` of length 2, got 1",
         "pair: Verwacht: lijst met lengte 2, gekregen: 1"),
        ({"named": [1]}, "named: Expected `array` of length 2, got 1",
         "named: Verwacht: lijst met lengte 2, gekregen: 1"),
        ({"either": {}}, "either: Expected `int | str | null`, got `object`",
         "either: Verwacht: geheel getal of tekst of null, gekregen: object"),
        ({"share": 0.5}, "share: Expected `float` > 0.5", "share: Verwacht: getal > 0.5"),
        ({"step": 4}, "step: Expected `int` that's a multiple of 3",
         "step: Verwacht: geheel getal, een veelvoud van 3"),
        ({"numbers": {"x": 1}}, "key` in `$.numbers: Expected `int`, got `str`",
         "naam in $.numbers: Verwacht: geheel getal, gekregen: tekst"),
        ({"octets": "é"}, "octets: Invalid base64 encoded string", "octets: Ongeldige base64-tekst"),
    ],
)  # fmt: skip
def test_a_member_that_is_wrong_is_named(members: dict[str, Any], english: str, dutch: str) -> None:
    given = members if not members else {"a": 1} | members
    with pytest.raises(msgspec.ValidationError) as failed:
        msgspec.convert(given, _Known)
    text = validation_text(str(failed.value))
    assert (str(text), in_language(text, "nl")) == (english, dutch)


@pytest.mark.parametrize(
    ("raw", "english", "dutch"),
    [
        (b"", "Input data was truncated", "de invoer houdt te vroeg op"),
        (b'{"a":}', "JSON is malformed: invalid character (byte 5)",
         "onjuiste JSON: ongeldig teken (byte 5)"),
        (b'{"a" 1}', "JSON is malformed: expected ':' (byte 5)", "onjuiste JSON: verwacht: ':' (byte 5)"),
        (b'{"a":1 2}', "JSON is malformed: expected ',' or '}' (byte 7)",
         "onjuiste JSON: verwacht: ',' of '}' (byte 7)"),
        (b"{'a':1}", "JSON is malformed: object keys must be strings (byte 1)",
         "onjuiste JSON: namen in een object moeten tekst tussen dubbele aanhalingstekens zijn (byte 1)"),
        (b'{"a":1}x', "JSON is malformed: trailing characters (byte 8)",
         "onjuiste JSON: tekens na het einde (byte 8)"),
        (b'{"a":1,}', "JSON is malformed: trailing comma in object (byte 7)",
         "onjuiste JSON: komma na het laatste veld van een object (byte 7)"),
        (b'{"a":[1,]}', "JSON is malformed: trailing comma in array (byte 8)",
         "onjuiste JSON: komma na het laatste element van een lijst (byte 8)"),
        (b'{"a":"\\q"}', "JSON is malformed: invalid escape character in string (byte 8)",
         "onjuiste JSON: ongeldig escape-teken in tekst (byte 8)"),
        (b'{"a":01}', "JSON is malformed: invalid number (byte 6)", "onjuiste JSON: ongeldig getal (byte 6)"),
        (b'{"a":1e999}', "Number out of range - at `$[...]`", "het getal is te groot - bij `$[...]`"),
        (b'{"a":"\xff"}', "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
         "dit is geen UTF-8: byte 0xff op positie 0: ongeldige beginbyte"),
    ],
)  # fmt: skip
def test_text_that_is_no_json_is_told(raw: bytes, english: str, dutch: str) -> None:
    with pytest.raises(BadRequest) as failed:
        json_object(raw)
    assert failed.value.message == f"Bad request: the body is not JSON: {english}"
    assert in_language(failed.value.text, "nl") == f"de body is geen JSON: {dutch}"
