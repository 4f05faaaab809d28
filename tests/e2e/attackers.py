"""HTTP clients that mean harm: `python -m tests.e2e.attackers PORT SECONDS KIND=COUNT ...`.

Each attacks on a connection of its own, reopened when the server closes it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Awaitable, Callable

Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_PLAIN = b"GET /data/lora/thingpark/devices HTTP/1.1\r\nhost: x\r\n"


async def idle(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Connects and says nothing."""
    await reader.read()


async def slow_header(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A header that never ends, a few bytes at a time."""
    writer.write(_PLAIN)
    for number in itertools.count():
        writer.write(b"x-%d: a\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.2)


async def giant_header(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One header of 64 MB."""
    writer.write(_PLAIN + b"x: ")
    for _ in range(1024):
        writer.write(b"a" * 65_536)
        await writer.drain()


async def giant_address(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A request line of 64 MB."""
    writer.write(b"GET /")
    for _ in range(1024):
        writer.write(b"a" * 65_536)
        await writer.drain()


async def many_headers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Headers without end."""
    writer.write(_PLAIN)
    for _ in range(1024):
        writer.write(b"a:b\r\n" * 13_000)
        await writer.drain()


async def giant_body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body of 10 GB for the token endpoint."""
    writer.write(b"POST /oauth/client_credential/accesstoken HTTP/1.1\r\nhost: x\r\n")
    writer.write(b"content-length: 10000000000\r\n\r\n")
    while True:
        writer.write(b"a" * 65_536)
        await writer.drain()


async def tiny_chunks(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body of chunks of one byte."""
    writer.write(b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n")
    writer.write(b"content-type: application/json\r\n\r\n")
    while True:
        writer.write(b"1\r\na\r\n" * 10_000)
        await writer.drain()


async def giant_trailer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A chunked body whose trailer never ends."""
    writer.write(b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ")
    while True:
        writer.write(b"a" * 65_536)
        await writer.drain()


async def slow_body(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body that never ends, a byte at a time."""
    writer.write(b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-length: 4000\r\n")
    writer.write(b"content-type: application/json\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


async def deep_json(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sign-ins with deep JSON, one after the other."""
    body = b'{"a":' * 680 + b"1" + b"}" * 680
    request = b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    request += b"content-length: %d\r\n\r\n" % len(body) + body
    while True:
        writer.write(request)
        await writer.drain()
        if not await reader.read(65_536):
            return


async def pipelined(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Requests without waiting for answers, which nobody reads."""
    while True:
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n" * 2000)
        await writer.drain()


async def slow_reader(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Large answers, read a byte at a time."""
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    while True:
        writer.write(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 20)
        await writer.drain()
        await asyncio.sleep(1)


async def quick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Requests as fast as they are answered."""
    while True:
        writer.write(_PLAIN + b"authorization: Bearer nothing\r\n\r\n")
        if not await reader.read(65_536):
            return


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No HTTP."""
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 200)
    await reader.read(65_536)


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        *(idle, slow_header, giant_header, giant_address, many_headers, giant_body, tiny_chunks),
        *(giant_trailer, slow_body, deep_json, pipelined, slow_reader, quick, garbage),
    )
}


async def _again_and_again(port: int, attack: Attack, wait: float) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            try:
                await attack(reader, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(wait)


async def main(port: int, seconds: float, counts: dict[str, int]) -> None:
    attackers = []
    for name, count in counts.items():
        for _ in range(count):
            wait = 1.0 if name == "idle" else 0.05
            attackers.append(asyncio.ensure_future(_again_and_again(port, ATTACKS[name], wait)))
    await asyncio.sleep(0.5)
    print("attacking", flush=True)
    await asyncio.sleep(seconds)
    for attacker in attackers:
        attacker.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(
        main(
            int(sys.argv[1]),
            float(sys.argv[2]),
            {name: int(count) for name, count in (pair.split("=") for pair in sys.argv[3:])},
        )
    )
