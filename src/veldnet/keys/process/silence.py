"""Tells when a process that owes answers gives none, at no cost for each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

# Seconds in which what has arrived meanwhile is read, where it was our own loop that stood still.
_LAST_LOOK = 0.1


class SilenceWatch:
    """`owed` says whether something that was asked before a moment, by the monotonic clock, has no answer;
    `end` is called once nothing was heard for `seconds` though something is owed."""

    def __init__(self, seconds: float, owed: Callable[[float], bool], end: Callable[[], None]) -> None:
        self._seconds = seconds
        self._owed = owed
        self._end = end
        self._since = monotonic()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, self._look)

    def heard(self) -> None:
        """An answer has come."""
        self._since = monotonic()

    def close(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = monotonic()
        left = self._since + self._seconds - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        elif self._owed(self._since):
            self._timer = self._loop.call_later(_LAST_LOOK, self._judge, self._since)
        else:
            self._since = now
            self._timer = self._loop.call_later(self._seconds, self._look)

    def _judge(self, since: float) -> None:
        if self._since == since:
            self._end()
        else:
            self._look()
