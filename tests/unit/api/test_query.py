"""Query parameters, each by its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
import pytest

from tests.asgi_requests import made_request
from veldnet.api import query
from veldnet.api.query import Parameter, parameters_of
from veldnet.domain.errors import InvalidField


def _parted(value: str, _name: str) -> tuple[str, ...]:
    return tuple(value.split(","))


class Asked(msgspec.Struct, frozen=True):
    loud: Annotated[bool, Parameter("Whether.")] = True
    kind: Annotated[Literal["A", "B"] | None, Parameter("Which.")] = None
    count: Annotated[int, Parameter("How many.", least=1, most=9)] = 3
    names: Annotated[
        tuple[str, ...], Parameter("Whose.", read=lambda value, _name: tuple(value.split(",")))
    ] = ()
    since: query.From = 0


def asked(**parameters: str | list[str]) -> Asked:
    read: Asked = parameters_of(Asked).read(made_request("GET", "/", parameters))
    return read


def test_what_is_absent_or_empty_has_its_default() -> None:
    assert asked() == asked(loud="", kind="", count="", names="", since="", other="x") == Asked()


def test_values_are_read_by_their_type() -> None:
    read = asked(loud="FALSE", kind="B", count="007", names=["a,b", "c"], since="1970-01-01T00:00:01Z")
    assert read == Asked(False, "B", 7, ("a", "b", "c"), 1000)


def test_moments_are_utc_unless_they_say_otherwise() -> None:
    noon = 1_767_268_800_000
    for text in ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00", "2026-01-01T13:00:00+01:00"):
        assert query.moment(text, "from") == noon
    # A plus sign in a query is read as a blank.
    assert query.moment("2026-01-01T13:00:00 01:00", "from") == noon


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda: asked(loud="maybe"), "loud 'maybe' must be true or false"),
        (lambda: asked(kind="C"), "kind 'C' must be one of A, B"),
        (lambda: asked(count="0"), "count '0' must be a whole number from 1 to 9"),
        (lambda: asked(count="9" * 30), "from 1 to 9"),
        (lambda: asked(count="-1"), "whole number"),
        (lambda: asked(since="yesterday"), "since 'yesterday' must look like"),
        (lambda: query.moment("2300-01-01", "to"), "between 1970 and 2200"),
        (
            lambda: query.whole(1, query.MOST_WHOLE, "0", "page"),
            "page '0' must be a whole number of at least 1",
        ),
    ],
)
def test_refusals_name_the_parameter(read: Callable[[], object], words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        read()


def test_a_parameter_needs_a_description_and_a_default() -> None:
    class Bare(msgspec.Struct, frozen=True):
        name: str = ""

    with pytest.raises(TypeError, match=r"Bare\.name"):
        parameters_of(Bare)
