"""What handlers read of a request."""

from __future__ import annotations

from tests.asgi_requests import made_request


def test_names_of_headers_have_no_case_and_the_first_of_several_counts() -> None:
    request = made_request("GET", "/", headers={"X-One": "1"})
    request.scope["headers"].append((b"x-one", b"2"))
    assert request.headers.get("x-ONE") == "1" and "X-one" in request.headers


def test_where_a_request_comes_from() -> None:
    request = made_request("GET", "/a b")
    assert (request.path, request.scheme, request.client_host) == ("/a b", "http", "127.0.0.1")
    request.scope["client"] = None
    assert made_request("GET", "/").client_host and request.__class__(request.scope).client_host == ""
