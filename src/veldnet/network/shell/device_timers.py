"""When to come back to devices of class B and C; in memory only, for what waits is marked in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Wakes:
    """One timer a device at most. `clock` gives Unix seconds; `woken(device_ref)` is called in time."""

    def __init__(self, clock: Callable[[], float], woken: Callable[[int], None]) -> None:
        self._clock = clock
        self._woken = woken
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def at(self, device_ref: int, moment: float) -> None:
        """Wake at a moment; a later wish replaces an earlier one."""
        before = self._timers.pop(device_ref, None)
        if before is not None:
            before.cancel()
        delay = max(moment - self._clock(), 0.0)
        self._timers[device_ref] = asyncio.get_running_loop().call_later(delay, self._due, device_ref)

    def _due(self, device_ref: int) -> None:
        del self._timers[device_ref]
        self._woken(device_ref)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
