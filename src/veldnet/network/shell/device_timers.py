"""Timers of class B and C devices with queued downlinks. In memory only: the store marks such devices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class DeviceTimers:
    """At most one timer per device. `clock` gives Unix seconds; `due(device_ref)` is called when it fires."""

    def __init__(self, clock: Callable[[], float], due: Callable[[int], None]) -> None:
        self._clock = clock
        self._on_due = due
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def at(self, device_ref: int, moment: float) -> None:
        """Set the timer of a device; replaces an earlier one."""
        before = self._timers.pop(device_ref, None)
        if before is not None:
            before.cancel()
        delay = max(moment - self._clock(), 0.0)
        self._timers[device_ref] = asyncio.get_running_loop().call_later(delay, self._due, device_ref)

    def _due(self, device_ref: int) -> None:
        del self._timers[device_ref]
        self._on_due(device_ref)

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
