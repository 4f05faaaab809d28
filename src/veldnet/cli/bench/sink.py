"""An application server that answers 204 and records arrival times."""

from __future__ import annotations

import asyncio
import re
import time

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_FRAME = re.compile(rb'"DevEUI":"([0-9A-F]{16})".*?"FCntUp":(\d+)')
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            size = int(length[1]) if length else 0
            if len(self._buffer) < end + 4 + size:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + size], self._buffer[end + 4 + size :]
            self._sink.take(body)
            if self._sink.delay:
                asyncio.get_running_loop().call_later(self._sink.delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_ANSWER)


class Sink:
    """`arrived` maps (DevEUI, FCntUp) to the time of arrival."""

    def __init__(self, frame: re.Pattern[bytes] = _FRAME, delay: float = 0.0) -> None:
        """`frame` finds DevEUI and counter in a message; it answers after `delay` seconds."""
        self._frame = frame
        self.delay = delay
        self.arrived: dict[tuple[bytes, int], float] = {}
        self.messages = 0
        self._server: asyncio.Server | None = None

    def take(self, body: bytes) -> None:
        self.messages += 1
        found = self._frame.search(body)
        if found:
            self.arrived.setdefault((found[1].upper(), int(found[2])), time.perf_counter())

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), host, port)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/uplink"

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
