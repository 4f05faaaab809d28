"""Servers that answer a POST with given octets, whatever they are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

# Pieces of an answer; None closes the connection, RESET cuts it off.
RESET = b"\0reset"
Pieces = Sequence[bytes | None]


class RawServer:
    """Answers the request number n with the pieces that `answer(n)` gives, one after the other."""

    def __init__(self, answer: Callable[[int], Pieces]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = ""
        self._answer = answer

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                number = len(self.requests)
                self.requests.append(head + body)
                for piece in self._answer(number):
                    if piece is None:
                        return
                    if piece == RESET:
                        await writer.drain()
                        writer.transport.abort()
                        return
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: Callable[[int], Pieces]) -> AsyncIterator[RawServer]:
    server = RawServer(answer)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, limit=1 << 20)
    host, port = listening.sockets[0].getsockname()[:2]
    server.address = f"http://{host}:{port}/as"
    try:
        yield server
    finally:
        listening.close()
