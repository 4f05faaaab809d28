"""Answers of every kind: a status line decides, whatever follows it."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import pytest

from veldnet.outgoing import Answer, HttpClient, RequestFailed, Resolver, parse_address

from .servers import RESET, Pieces, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def client(total_timeout: float = 10.0) -> HttpClient:
    return HttpClient(Resolver(allow_private=True), total_timeout=total_timeout)


async def post(sender: HttpClient, address: str, body: bytes = b"{}", *, whole: bool = False) -> Answer:
    parsed = parse_address(address)
    headers = {"Content-Type": "application/json"}
    return await sender.post(parsed, parsed.with_query("a=b"), headers, body, whole=whole)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for this system")
def test_it_works_on_the_event_loop_of_the_server() -> None:
    """Transports of uvloop differ from those of asyncio."""
    import uvloop

    odd = b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"
    answers: list[list[bytes | None]] = [[OK], [odd], [OK, None], [OK[:20], RESET]]
    for pieces in answers:
        assert uvloop.run(answer_to(pieces)) in (200, 204)

    async def refused() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            sender = client()
            with pytest.raises(RequestFailed, match="no connection: Connection refused"):
                await post(sender, f"http://127.0.0.1:{taken.getsockname()[1]}/")
            await sender.close()

    uvloop.run(refused())


async def answer_to(pieces: Pieces) -> int:
    """The status of an answer, and that the next request is answered, too."""
    sender = client(total_timeout=5)
    async with serving(lambda number: pieces if number == 0 else [OK]) as server:
        first = await post(sender, server.address)
        for _again in range(2):
            assert (await post(sender, server.address)).status == 200
    await sender.close()
    return first.status


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"],
        [b"HTTP/1.1 204 No Content\r\n\r\n", b"ok"],
        [b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        [b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        [b"HTTP/1.1 205 Reset Content\r\nContent-Length: 3\r\n\r\nbye"],
        [b"HTTP/1.1 200 OK\r\nContent-Security-Policy: " + 10_000 * b"a" + b"\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: " + 64_000 * b"a" + b"\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + 3000 * b"X-Trace: 0123456789abcdef\r\n" + b"Content-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: " + 1_000_000 * b"a"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n\r\n", None],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this", None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this", RESET],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nonly this", None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok", None],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more than was said"],
        [b"HTTP/1.1 200 OK\r\nno colon here\r\n\xff\xfe: \x00\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"],
        [b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n folded\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n", RESET],
        [b"HTTP/1.1 200 OK", None],
        [b"HTTP/1.1 200", None],
        [b"HTTP/1.1 200 OK"],
        [b"HTTP/1.1 200 OK\r\nContent-Le"],
        [b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
        [b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.0 200 OK\r\n\r\nuntil the end", None],
        [b"HTTP/1.0 202\r\n\r\n", None],
        [b"HTTP/1.1 299 Whatever\r\nContent-Length: 0\r\n\r\n"],
        [b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        [
            b"HTTP/1.1 100 Continue\r\n",
            b"\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
            b"HTTP/1.1 20",
            OK[11:],
        ],
        [octet.to_bytes() for octet in OK],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + 200_000 * b"x"],
    ],
)
async def test_c3_a_2xx_status_line_is_an_answer_whatever_follows(pieces: Pieces) -> None:
    assert 200 <= await answer_to(pieces) < 300


async def test_c3_a_body_that_never_ends_holds_up_nobody() -> None:
    sender = client(total_timeout=60)
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + 100 * (
        b"400\r\n" + 1024 * b"x" + b"\r\n"
    )
    async with serving(lambda _number: [endless]) as server, asyncio.timeout(5):
        for _message in range(5):
            assert (await post(sender, server.address)).status == 200
    await sender.close()


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], 500),
        ([b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nxx", RESET], 500),
        ([b"HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"], 301),
        ([b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"], 417),
        ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"], 101),
    ],
)
async def test_other_statuses_are_told_as_they_are(pieces: Pieces, status: int) -> None:
    assert await answer_to(pieces) == status


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([None], "closed the connection without an answer"),
        ([RESET], "closed the connection without an answer"),
        ([b"HTTP/1.1 2", None], "closed the connection without an answer"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], "not HTTP"),
        ([b"<html>200 OK</html>"], "not HTTP"),
        ([b"HTTP/1.1 20x OK\r\n\r\n"], "not HTTP"),
        ([b"HTTP/1.1 2000 OK\r\n\r\n"], "not HTTP"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", None], "closed the connection without an answer"),
    ],
)
async def test_what_is_no_answer_fails_with_words(pieces: Pieces, words: str) -> None:
    sender = client()
    async with serving(lambda _number: pieces) as server:
        with pytest.raises(RequestFailed, match=words):
            await post(sender, server.address)
    await sender.close()


async def test_a_server_that_says_nothing_times_out() -> None:
    sender = client(total_timeout=0.2)
    async with serving(lambda _number: [b"HTTP/1."]) as server:
        with pytest.raises(RequestFailed, match="no answer in time") as failure:
            await post(sender, server.address)
    assert failure.value.timed_out
    await sender.close()


async def test_connections_are_used_again_and_reopened_when_the_server_has_closed_them() -> None:
    sender = client()
    async with serving(lambda number: [OK, None] if number == 4 else [OK]) as server:
        for _message in range(8):
            assert (await post(sender, server.address)).status == 200
        assert server.connections == 2 and len(server.requests) == 8
    await sender.close()


async def test_a_request_is_whole_and_carries_what_the_address_says() -> None:
    sender = client()
    async with serving(lambda _number: [OK]) as server:
        address = server.address.replace("http://", "HTTP://user:p%40ss@") + "?x=%2F&y=a%20b"
        answer = await post(sender, address, b'{"a": 1}', whole=True)
        head, body = server.requests[0].split(b"\r\n\r\n")
        port = server.address.rsplit(":", 1)[1].split("/", 1)[0]
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /as?x=%2F&y=a%20b&a=b HTTP/1.1" and body == b'{"a": 1}'
    assert lines[1] == f"Host: 127.0.0.1:{port}" and "Authorization: Basic dXNlcjpwQHNz" in lines
    assert {"Content-Type: application/json", "Content-Length: 8"} <= set(lines)
    assert answer.body == b"ok"
    await sender.close()


async def test_failures_to_connect_are_reported() -> None:
    sender = client()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(RequestFailed, match="no connection: Connection refused"):
            await post(sender, f"http://127.0.0.1:{taken.getsockname()[1]}/")
    await sender.close()


def look_up(*addresses: str) -> Any:
    """A name server that gives the same addresses for every name."""

    def lookup(_host: str, _port: object, **_more: object) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0))
            for ip in addresses
        ]

    return lookup


@pytest.mark.parametrize(
    "ip", ["127.0.0.1", "10.0.0.1", "::1", "64:ff9b::7f00:1", "::ffff:127.0.0.1", "fe80::1%lo"]
)
async def test_a6_names_are_judged_by_the_addresses_they_resolve_to(ip: str) -> None:
    sender = HttpClient(Resolver(allow_private=False, lookup=look_up(ip)))
    with pytest.raises(RequestFailed, match="has no public address"):
        await post(sender, "http://rebinding.example/")
    await sender.close()


async def test_a6_the_address_that_was_checked_is_connected_to() -> None:
    """A name that means another machine when it is asked for the second time."""
    async with serving(lambda _number: [OK]) as server:
        port = server.address.rsplit(":", 1)[1].split("/", 1)[0]
        asked: list[str] = []

        def lookup(host: str, _port: object, **_more: object) -> list[Any]:
            asked.append(host)
            found: list[Any] = look_up("127.0.0.1" if len(asked) == 1 else "127.0.0.2")(host, None)
            return found

        sender = HttpClient(Resolver(allow_private=True, lookup=lookup))
        assert (await post(sender, f"http://as.example:{port}/")).status == 200
        assert asked == ["as.example"] and f"Host: as.example:{port}".encode() in server.requests[0]
        await sender.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "[::ffff:7f00:1]", "[64:ff9b:1::a00:1]"])
async def test_a6_private_literals_are_not_connected_to(host: str) -> None:
    sender = HttpClient(Resolver(allow_private=False))
    with pytest.raises(RequestFailed) as failure:
        await post(sender, f"http://{host}/")
    assert failure.value.refused
    await sender.close()


async def test_one_of_two_addresses_that_answers_is_enough_and_is_remembered() -> None:
    async with serving(lambda _number: [OK, None]) as server:
        port = server.address.rsplit(":", 1)[1].split("/", 1)[0]
        sender = HttpClient(Resolver(allow_private=True, lookup=look_up("127.0.0.3", "127.0.0.1")))
        for _message in range(2):
            assert (await post(sender, f"http://as.example:{port}/")).status == 200
        await sender.close()
