"""Query parameters, each by its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Request
from litestar.testing import RequestFactory

from veldnet.api import query
from veldnet.domain.errors import InvalidField


def asked(**parameters: str) -> Request[Any, Any, Any]:
    return RequestFactory().get("/", query_params=dict(parameters))


def test_what_is_absent_or_empty_is_none() -> None:
    for request in (asked(), asked(name="")):
        assert query.text(request, "name") is None and query.whole(request, "name", least=1) is None
        assert query.choice(request, "name", ("A",)) is None
        assert query.flag(request, "name", default=True) is True


def test_values_are_read_by_their_type() -> None:
    assert query.flag(asked(name="TRUE"), "name") is True
    assert query.choice(asked(name="A"), "name", ("A", "B")) == "A"
    assert query.whole(asked(name="007"), "name", least=1, most=9) == 7


def test_moments_are_utc_unless_they_say_otherwise() -> None:
    noon = 1_767_268_800_000
    for text in ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00", "2026-01-01T13:00:00+01:00"):
        assert query.moment(text, "from") == noon
    # A plus sign in a query is read as a blank.
    assert query.moment("2026-01-01T13:00:00 01:00", "from") == noon


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda: query.flag(asked(name="maybe"), "name"), "name 'maybe' must be true or false"),
        (lambda: query.choice(asked(name="C"), "name", ("A", "B")), "must be one of A, B"),
        (lambda: query.whole(asked(name="0"), "name", least=1), "of at least 1"),
        (lambda: query.whole(asked(name="9" * 30), "name", least=1, most=9), "from 1 to 9"),
        (lambda: query.whole(asked(name="-1"), "name", least=0), "whole number"),
        (lambda: query.moment("yesterday", "from"), "from 'yesterday' must look like"),
        (lambda: query.moment("2300-01-01", "to"), "between 1970 and 2200"),
    ],
)
def test_refusals_name_the_parameter(read: Callable[[], object], words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        read()
