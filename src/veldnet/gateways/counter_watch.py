"""Notices that a base station has restarted: its counter of microseconds begins again."""

from __future__ import annotations

_WRAP = (1 << 32) / 1_000_000
# Seconds by which its beginning may seem to move: frames take their time.
_TOLERANCE = 5.0
# A new beginning holds when frames agree on it for so many seconds: frames that were kept back do not.
_STEADY = 30.0


class CounterWatch:
    """When the counter of one base station began, as its frames that come at once tell."""

    __slots__ = ("_began", "_candidate")

    def __init__(self) -> None:
        self._began: float | None = None
        # Another beginning, and since when frames tell of it.
        self._candidate: tuple[float, float] | None = None

    def restarted(self, timestamp: int, now: float) -> bool:
        """Take up the counter of a frame, `now` by a clock that never steps; whether it shows that the base
        station has restarted."""
        began = (now - timestamp / 1_000_000) % _WRAP
        if self._began is None or _near(began, self._began):
            self._began, self._candidate = began, None
            return False
        if self._candidate is None or not _near(began, self._candidate[0]):
            self._candidate = began, now
            return False
        if now - self._candidate[1] < _STEADY:
            return False
        self._began, self._candidate = began, None
        return True


def _near(one: float, other: float) -> bool:
    apart = abs(one - other)
    return apart <= _TOLERANCE or _WRAP - apart <= _TOLERANCE
