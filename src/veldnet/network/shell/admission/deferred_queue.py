"""A queue of deferred work, done in small portions so that urgent work is not delayed.

A join-accept has five seconds to be on the air, the answer to data one. When many ask to join at once, real
or forged, their requests must not delay the data of other devices.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# Joins take some 0.3 ms each.
PORTION = 4


class DeferredQueue:
    """Runs work in order, a few items per iteration of the event loop."""

    def __init__(self) -> None:
        self._work: deque[Callable[[], None]] = deque()
        self._turn: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._work)

    def add(self, work: Callable[[], None]) -> None:
        """Queue work, which must not raise."""
        self._work.append(work)
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._portion)

    def _portion(self) -> None:
        self._turn = None
        for _ in range(min(PORTION, len(self._work))):
            self._work.popleft()()
        if self._work and self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._portion)

    def finish(self) -> None:
        """Run all queued work now."""
        while self._work:
            self._work.popleft()()
        self.close()

    def close(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
