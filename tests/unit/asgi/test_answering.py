"""What becomes of a response on its way to the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.asgi_requests import made_request
from veldnet.asgi import Cookie, Redirect, Response, Stream, answer, finished
from veldnet.texts import Text


class Client:
    """Takes an answer; `gone` ends its connection."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def take(self, response: Response[Any]) -> tuple[int, dict[bytes, bytes], bytes]:
        await answer(response, made_request("GET", "/").scope, self.receive, self.send)
        start, *parts = self.sent
        assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]
        return start["status"], dict(start["headers"]), b"".join(part["body"] for part in parts)


_JSON = {b"content-type": b"application/json"}
_TEXT = {b"content-type": b"text/plain; charset=utf-8"}
_PNG = {b"content-type": b"image/png"}


@pytest.mark.parametrize(
    ("response", "status", "headers", "body"),
    [
        (Response({"a": Text("{n} b", n=1)}), 200, _JSON, b'{"a":"1 b"}'),
        (Response(None), 200, {b"content-length": b"4"}, b"null"),
        (Response("é", media_type="text/plain"), 200, _TEXT, "é".encode()),
        (Response(b"\xff", media_type="image/png", status_code=201), 201, _PNG, b"\xff"),
        (Response("", headers={"X-A": "b"}), 200, {b"x-a": b"b", b"content-length": b"0"}, b""),
        (Redirect("/ü?a=%20b", status_code=303), 303, {b"location": b"/%C3%BC?a=%20b"}, b""),
    ],
)
async def test_a_response_says_what_it_is(
    response: Response[Any], status: int, headers: dict[bytes, bytes], body: bytes
) -> None:
    found = await Client().take(response)
    assert (found[0], found[2]) == (status, body)
    assert headers.items() <= found[1].items() and b"content-length" in found[1]


async def test_nothing_is_said_of_a_body_where_there_can_be_none() -> None:
    status, headers, body = await Client().take(Response({"a": 1}, status_code=204))
    assert (status, headers, body) == (204, {}, b"")


async def test_what_is_no_json_is_found_out_before_anything_is_sent() -> None:
    client = Client()
    with pytest.raises(TypeError):
        await client.take(Response({"a": object()}))
    assert client.sent == []


async def test_a_cookie_is_bound_as_it_says() -> None:
    async def said(cookie: Cookie) -> list[str]:
        _status, headers, _body = await Client().take(Response({}, cookies=[cookie]))
        return headers[b"set-cookie"].decode().split("; ")

    first, *rest = await said(
        Cookie(key="k", value="a=", max_age=0, path="/x", samesite="strict", secure=True)
    )
    assert first == 'k="a="'
    assert set(rest) == {"HttpOnly", "Max-Age=0", "Path=/x", "SameSite=strict", "Secure"}
    assert "Secure" not in await said(Cookie(key="k", value="a", max_age=1))


async def _pieces(ended: list[str], wait: asyncio.Event | None = None) -> AsyncIterator[bytes]:
    try:
        yield b"one"
        if wait is not None:
            await wait.wait()
        yield b"two"
    finally:
        ended.append("ended")


async def test_a_stream_comes_in_pieces_and_without_a_length() -> None:
    ended: list[str] = []
    status, headers, body = await Client().take(Stream(_pieces(ended), media_type="text/event-stream"))
    assert (status, body, ended) == (200, b"onetwo", ["ended"])
    assert headers == {b"content-type": b"text/event-stream; charset=utf-8"}


async def test_a_stream_ends_when_its_client_goes_whatever_it_waits_for() -> None:
    """For the next piece, or for the client to take one."""
    client, ended = Client(), list[str]()
    stream = Stream(_pieces(ended, asyncio.Event()), media_type="text/plain")
    asyncio.get_running_loop().call_soon(client.gone.set)
    async with asyncio.timeout(5):
        await answer(stream, made_request("GET", "/").scope, client.receive, client.send)
    assert ended == ["ended"] and client.sent[-1]["body"] == b"one"

    slow = Client()

    async def never(message: Any) -> None:
        if message["type"] == "http.response.body":
            slow.gone.set()
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await answer(
            Stream(_pieces(ended), media_type="text/plain"),
            made_request("GET", "/").scope,
            slow.receive,
            never,
        )
    assert ended == ["ended", "ended"]


async def test_a_stream_that_somebody_else_ends_says_so() -> None:
    client, ended = Client(), list[str]()
    stream = Stream(_pieces(ended, asyncio.Event()), media_type="text/plain")
    scope = made_request("GET", "/").scope
    task = asyncio.ensure_future(answer(stream, scope, client.receive, client.send))
    while len(client.sent) < 2:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["ended"]


async def test_an_encoding_is_told_which_part_is_the_last() -> None:
    def encode(part: bytes, last: bool) -> bytes:
        return part.upper() + (b"." if last else b",")

    async def taken(response: Response[Any]) -> list[dict[str, Any]]:
        client = Client()
        send = finished(lambda _status, _headers: encode, client.send)
        await answer(response, made_request("GET", "/").scope, client.receive, send)
        return client.sent

    start, *parts = await taken(Stream(_pieces([]), media_type="text/plain"))
    assert b"".join(part["body"] for part in parts) == b"ONE,TWO,."
    assert b"content-length" not in dict(start["headers"])
    start, part = await taken(Response(b"abc"))
    assert dict(start["headers"])[b"content-length"] == b"4" and part["body"] == b"ABC."


async def test_the_head_of_a_stream_does_not_wait_for_its_first_piece() -> None:
    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    client = Client()
    send = finished(lambda _status, _headers: lambda part, _last: part, client.send)
    scope = made_request("GET", "/").scope
    task = asyncio.ensure_future(answer(Stream(never()), scope, client.receive, send))
    while not client.sent:
        await asyncio.sleep(0)
    client.gone.set()
    async with asyncio.timeout(5):
        await task
    assert [message["type"] for message in client.sent] == ["http.response.start"]
