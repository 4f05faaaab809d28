"""What an operator does on a base station itself: commands, and shells whose input and output pass here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, runtime_checkable

from veldnet.lorawan import BaseStationId

# Output that waits for its reader; what comes beyond is dropped and counted.
MOST_WAITING = 65_536
# Output of a shell at most: whatever writes more is no person's work.
MOST_OUTPUT = 64 * 1_048_576

Reason = Literal["not_connected", "not_announced", "no_free_shell", "not_started"]
# Why a shell is over.
ShellEnd = Literal["closed", "exited", "idle", "disconnected", "too_much", "withdrawn", "stopped", "failed"]


class RemoteRefused(Exception):
    """What a base station cannot be asked to do now."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class RemoteShell:
    """A shell on a base station. `send` gives it input, `stop` ends it there. Octets are counted, and kept no
    longer than until they are read."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], stop: Callable[[], None]) -> None:
        self.sent = 0
        self.received = 0
        self.dropped = 0
        self.ended: ShellEnd | None = None
        self._send = send
        self._stop = stop
        self._waiting = bytearray()
        self._news = asyncio.Event()

    def said(self, octets: bytes) -> None:
        """Output of the shell."""
        self.received += len(octets)
        room = max(MOST_WAITING - len(self._waiting), 0)
        self._waiting += octets[:room]
        self.dropped += max(len(octets) - room, 0)
        self._news.set()
        if self.received > MOST_OUTPUT:
            self.close("too_much")

    async def read(self, patience: float) -> bytes:
        """What it has said since the last time, after so many seconds at the latest; nothing then, and once
        it is over and all is read."""
        if not self._waiting and self.ended is None:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), patience)
            except TimeoutError:
                return b""
        octets = bytes(self._waiting)
        self._waiting.clear()
        return octets

    async def write(self, octets: bytes) -> None:
        """Give it input, once the connection has taken it."""
        self.sent += len(octets)
        await self._send(octets)

    def close(self, reason: ShellEnd) -> None:
        """End it, here and on the base station."""
        if self.ended is None:
            self.end(reason)
            self._stop()

    def end(self, reason: ShellEnd) -> None:
        """It is over."""
        if self.ended is None:
            self.ended = reason
            self._news.set()


@runtime_checkable
class OperatesRemotely(Protocol):
    """A protocol by whose connections base stations can be operated. All of it may raise `RemoteRefused`."""

    def run_command(self, base_station: BaseStationId, command: str, arguments: list[str]) -> None:
        """Have a base station run a program; what becomes of it is not said."""

    def check_shell(self, base_station: BaseStationId) -> None:
        """Whether a shell can be opened on a base station now."""

    async def open_shell(self, base_station: BaseStationId, user: str, terminal: str) -> RemoteShell:
        """Open a shell on a base station, which is shown there as the user's."""
