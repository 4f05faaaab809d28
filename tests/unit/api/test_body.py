"""Bodies: what is no object, is nested too deeply, or names numbers that there are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import pytest
from msgspec import inspect

from veldnet.api.body import MAX_DEPTH, json_object, to_resource
from veldnet.api.routers import routers
from veldnet.domain.errors import BadRequest, InvalidField


class Inner(msgspec.Struct):
    size: float = 0.0
    way: Literal["up", "down"] | None = None


class Thing(msgspec.Struct):
    name: str
    count: int = 0
    on: bool = False
    inner: list[Inner] = []
    ways: dict[str, Literal["up", "down"]] = {}


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def test_an_object_may_be_nested_so_deeply_and_no_deeper() -> None:
    assert json_object(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(BadRequest, match="nested more than 64 levels"):
            json_object(nested(levels))


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"[]", "a JSON object"), (b"{", "not JSON"), (b'"\xff"', "not JSON"), (b"", "not JSON")],
)
def test_what_is_no_object_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        json_object(raw)


def test_null_and_empty_text_count_as_absent_and_numbers_may_come_as_text() -> None:
    members = {"name": "a", "count": "7", "on": "true", "inner": [{"size": ""}, {"size": "2.5"}]}
    assert to_resource(members, Thing) == Thing("a", 7, True, [Inner(), Inner(2.5)])
    assert to_resource({"name": "a", "count": None}, Thing) == Thing("a")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "name"),
        ({"name": 5}, "name: Expected `str`"),
        ({"name": "a", "inner": [{"size": "nan"}]}, r"inner\[0\].size: nan is not a number"),
        ({"name": "a", "inner": [{}, {"size": "inf"}]}, r"inner\[1\].size: inf is not a number"),
        ({"name": "a", "inner": [{"way": "in"}]}, r"inner\[0\].way 'in' must be one of down, up"),
        ({"name": "a", "ways": {"x": "in"}}, r"ways\[...\] 'in' must be one of down, up"),
    ],
)
def test_refusals_name_the_member(members: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        to_resource(members, Thing)


def _kinds(kind: inspect.Type) -> Iterator[inspect.StructType]:
    """The objects of a body, with those within."""
    if isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _kinds(each)
    elif isinstance(kind, inspect.CollectionType):
        yield from _kinds(kind.item_type)
    elif isinstance(kind, inspect.DictType):
        yield from _kinds(kind.value_type)
    elif isinstance(kind, inspect.StructType):
        yield kind
        for field in kind.fields:
            yield from _kinds(field.type)


def test_no_member_is_mandatory_that_is_shown_as_null() -> None:
    """Null counts as absent, so what was read could not be sent back."""
    bodies = [operation.body() for router in routers() for operation in router.operations]
    structs = [body for body in bodies if isinstance(body, type) and issubclass(body, msgspec.Struct)]
    assert len(structs) > 60
    wrong = {
        f"{each.cls.__name__}.{field.encode_name}"
        for body in structs
        for each in _kinds(inspect.type_info(body))
        for field in each.fields
        if field.required and isinstance(field.type, inspect.UnionType) and field.type.includes_none
    }
    assert not wrong
