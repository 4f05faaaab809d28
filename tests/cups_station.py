"""A Basics Station as CUPS knows it: its files, what it reports of them, and what it does with an answer."""

from __future__ import annotations

import asyncio
import json
import ssl
import zlib
from typing import Any

TRUST, CERTIFICATE, KEY = range(3)


def split_segment(segment: bytes) -> tuple[bytes, bytes, bytes]:
    """Trust, certificate and key of credentials, cut as Station cuts them."""
    trust = segment[: _length(segment)]
    rest = segment[len(trust) :]
    certificate = b"" if rest[0] == 0 else rest[: _length(rest)]
    rest = rest[len(certificate) or 4 :]
    key = b"" if rest[:1] == b"\0" else rest[: _length(rest)] if rest[:1] == b"\x30" else rest
    return trust, certificate, key


def _length(der: bytes) -> int:
    """Station knows two forms of lengths."""
    assert der[0] == 0x30
    return 4 + int.from_bytes(der[2:4], "big") if der[1] & 0x80 else 2 + der[1]


class CupsStation:
    """`files` are trust, certificate and key of CUPS and LNS; URIs are those of the regular set."""

    def __init__(self, eui: str, port: int, **reported: Any) -> None:
        self.eui = eui
        self.port = port
        self.uris: dict[str, str | None] = {"cups": None, "lns": None}
        self.files: dict[str, tuple[bytes, bytes, bytes]] = {"cups": (b"",) * 3, "lns": (b"",) * 3}
        self.reported = reported
        self.signature = self.update = b""
        # After how many octets of a long answer its connection breaks; never, if none.
        self.breaks_off = 0

    def sum(self, which: str) -> int:
        total = 0
        for content in self.files[which]:
            total = zlib.crc32(content or bytes(4), total)
        return total

    def report(self) -> dict[str, Any]:
        return {
            "router": self.eui,
            "cupsUri": self.uris["cups"],
            "tcUri": self.uris["lns"],
            "cupsCredCrc": self.sum("cups"),
            "tcCredCrc": self.sum("lns"),
            "station": "2.0.6(linux/std) 2022-03-01",
            "model": "linux",
            "package": None,
            "keys": [],
        } | self.reported

    def request(self, body: bytes | None = None) -> bytes:
        content = json.dumps(self.report()).encode() if body is None else body
        key = self.files["cups"][KEY]
        line = key.rstrip() + b"\r\n" if key[:1].isalpha() else b""
        head = (
            f"POST /update-info HTTP/1.1\r\nHost: localhost:{self.port}\r\nContent-Length: {len(content)}\r\n"
        )
        return head.encode() + line + b"\r\n" + content

    async def ask(
        self, request: bytes | None = None, secure: ssl.SSLContext | None = None
    ) -> tuple[int, bytes]:
        """Status and body of an answer."""
        name = "localhost" if secure else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=secure, server_hostname=name
        )
        writer.write(self.request() if request is None else request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].split()[0])
        if self.breaks_off and length > 1_000:
            # As a connection that breaks: what came is not read.
            await reader.readexactly(self.breaks_off)
            writer.transport.abort()
            return 0, b""
        body = await reader.readexactly(length)
        # It closes the connection itself, and the server does not send more.
        if secure is None:
            writer.write_eof()
        else:
            writer.close()
        assert await reader.read() == b""
        writer.close()
        return int(head.split()[1]), body

    async def contact(self, secure: ssl.SSLContext | None = None) -> set[str]:
        """Ask, and use what is answered; returns which segments that were."""
        status, body = await self.ask(secure=secure)
        assert status == 200, body
        parts: list[bytes] = []
        for width in (1, 1, 2, 2, 4, 4):
            length = int.from_bytes(body[:width], "little")
            parts.append(body[width : width + length])
            body = body[width + length :]
        assert body == b""
        names = ("cupsUri", "lnsUri", "cups", "lns", "signature", "update")
        given = {name: part for name, part in zip(names, parts, strict=True) if part}
        for which in ("cups", "lns"):
            if f"{which}Uri" in given:
                self.uris[which] = given[f"{which}Uri"].decode()
            if which in given:
                self.files[which] = split_segment(given[which])
        self.signature, self.update = given.get("signature", b""), given.get("update", b"")
        return set(given)
