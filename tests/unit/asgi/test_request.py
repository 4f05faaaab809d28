"""What handlers read of a request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.asgi_requests import made_request
from veldnet.asgi import ClientGone, Request


def test_names_of_headers_have_no_case_and_the_first_of_several_counts() -> None:
    request = made_request("GET", "/", headers={"X-One": "1"})
    request.scope["headers"].append((b"x-one", b"2"))
    assert request.headers.get("x-ONE") == "1" and "X-one" in request.headers
    assert request.headers.get("x-two") is None and request.headers.get("x-two", "") == ""


def test_parameters_of_a_query_keep_their_order_and_blanks() -> None:
    query = made_request("GET", "/", {"a": ["1", "2"], "b": "", "é": "&=?"}).query_params
    assert (query["a"], query.all_of("a"), query.get("b"), query["é"]) == ("1", ["1", "2"], "", "&=?")
    assert list(query) == ["a", "b", "é"] and query.all_of("c") == [] and "c" not in query


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ('a="gAAA=="; b=x%20y', {"a": "gAAA==", "b": "x y"}),
        (r'a="x\"y"', {"a": 'x"y'}),
        ("lone; =; a=b=c;;", {"": "lone", "a": "b=c"}),
        ("", {}),
    ],
)
def test_cookies_are_read_as_browsers_send_them(sent: str, read: dict[str, str]) -> None:
    assert made_request("GET", "/", headers={"cookie": sent}).cookies == read


async def test_a_body_that_breaks_off_is_nobodys() -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    request = Request(made_request("POST", "/").scope, receive)
    parts = []
    with pytest.raises(ClientGone):
        async for part in request.stream():
            parts.append(part)
    assert parts == [b"ab"]
    whole = [part async for part in made_request("POST", "/", body=b"all").stream()]
    assert whole == [b"all"]
