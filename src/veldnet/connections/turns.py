"""Turns of the messages of a connection: side by side, but for those that may be why it ended.

Some servers end the connection when they get a message that they do not take, without a word about which.
Were all sent side by side again, that message would end each connection before others are acknowledged. So
those that were under way go alone next time, and one that ends the connection again is known.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

# Messages that are remembered; the oldest is forgotten first.
_MOST = 1000


class Turns:
    """Messages by their numbers."""

    def __init__(self) -> None:
        self._suspects: dict[int, None] = {}
        self._gate = asyncio.Lock()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def turn(self, number: int) -> Turn:
        return Turn(self, number)

    async def begin(self, number: int) -> bool:
        """Wait for the turn of a message; returns whether it is alone. Turns come in the order of calls."""
        await self._gate.acquire()
        alone = number in self._suspects
        try:
            if alone:
                await self._idle.wait()
        except BaseException:
            self._gate.release()
            raise
        self._under_way += 1
        self._idle.clear()
        if not alone:
            self._gate.release()
        return alone

    def end(self, *, alone: bool) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()
        if alone:
            self._gate.release()

    def suspect(self, number: int) -> None:
        """The connection ended, or stays silent, and this message may be why."""
        self._suspects[number] = None
        if len(self._suspects) > _MOST:
            del self._suspects[next(iter(self._suspects))]

    def clear(self, number: int) -> None:
        """The message was answered."""
        self._suspects.pop(number, None)


class Turn:
    """One turn, as a context: `began` once it has come, `alone` where nothing else is under way."""

    def __init__(self, turns: Turns, number: int) -> None:
        self._turns, self._number = turns, number
        self.began = self.alone = False

    async def __aenter__(self) -> Turn:
        self.alone = await self._turns.begin(self._number)
        self.began = True
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._turns.end(alone=self.alone)

    def failed(self) -> None:
        self._turns.suspect(self._number)

    def answered(self) -> None:
        self._turns.clear(self._number)
