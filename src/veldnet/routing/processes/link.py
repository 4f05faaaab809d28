"""The socket between the server and a delivery process: frames with their length before them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import msgspec

MAX_FRAME = 16_000_000
_LENGTH = 4
# Octets that wait to be written before `full`, and until there is room again.
_HIGH, _LOW = 4_000_000, 500_000


class LinkError(Exception):
    """The other side does not say what it should."""


def _nothing() -> None:
    """Nobody waits for room."""


class Link(asyncio.Protocol):
    """`received` takes each frame; it may raise `LinkError` or `msgspec.DecodeError`, which ends the link.
    `lost` is called once, with the reason in words. Frames are written even while `full`, so whoever writes
    much looks at that first, and goes on when `on_room` is called."""

    def __init__(self, received: Callable[[bytes], None], lost: Callable[[str], None]) -> None:
        self._received, self._lost = received, lost
        self._encoder = msgspec.msgpack.Encoder()
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = bytearray()
        self._reason: str | None = None
        self.full = False
        self.on_room: Callable[[], None] = _nothing
        # Frames sent so far.
        self.sent = 0

    @classmethod
    async def open(
        cls, connection: socket.socket, received: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> Link:
        """A link over a connected socket, which it takes over."""
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        _transport, link = await loop.create_connection(lambda: cls(received, lost), sock=connection)
        return link

    def send(self, message: msgspec.Struct) -> None:
        """Write a frame; to a link that has ended it goes nowhere."""
        if self._transport is None or self._transport.is_closing():
            return
        octets = self._encoder.encode(message)
        self.sent += 1
        self._transport.write(len(octets).to_bytes(_LENGTH, "big") + octets)

    @property
    def waiting(self) -> int:
        """Octets to be written."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def close(self) -> None:
        """End it after what was written has gone."""
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str) -> None:
        """End it at once."""
        if self._reason is None:
            self._reason = reason
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Transports of other event loops than asyncio's are no subclasses.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.set_write_buffer_limits(_HIGH, _LOW)

    def data_received(self, data: bytes) -> None:
        if self._reason is not None:
            return
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _LENGTH:
                length = int.from_bytes(buffer[start : start + _LENGTH], "big")
                if length > MAX_FRAME:
                    raise LinkError(f"a frame of {length} octets")
                end = start + _LENGTH + length
                if len(buffer) < end:
                    break
                frame = bytes(buffer[start + _LENGTH : end])
                start = end
                self._received(frame)
        except (LinkError, msgspec.DecodeError) as error:
            self.abort(f"it sent what is no message: {error}")
        del buffer[:start]

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self.on_room()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._reason is None:
            self._reason = "it has ended" if error is None else f"{type(error).__name__}: {error}"
        self._lost(self._reason)
