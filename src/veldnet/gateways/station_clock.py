"""Whether a base station kept a frame, or has a wrong clock: its GPS time alone never decides.

A base station that lost its backhaul keeps frames and sends them later with the GPS time at which it heard
them. One that lost GPS, or booted with an old date, sends such times of frames that come at once. What tells
them apart is a second witness: the 32-bit counter of microseconds beside the time, which runs on as a steady
clock of ours does while frames come at once, or the right time on other frames that come just now. Where our
own time steps, all base stations seem to be wrong, and none seems to have kept its frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from veldnet.lorawan.gpstime import gps_to_unix

# Seconds that a GPS time may differ from ours: a frame is that long on its way, at most.
_TRUE = 3.0
# Frames kept for so many seconds are late; the journal takes no older ones.
_LATE, _LATEST = 60.0, 86_400.0
# Seconds by which the counter may disagree.
_TOLERANCE = 5.0
# Another frame with the right time counts as one that comes just now for so many seconds.
_JUST_NOW = 60.0
# Frames that seem kept, one as long as the other, over so many seconds come from a clock, not from a queue.
_STEADY = 60.0
_WRAP = (1 << 32) / 1_000_000


class Heard(NamedTuple):
    """`kept_at` is when a frame was heard that was kept (Unix seconds), `gps_time` the GPS seconds where they
    are to be believed, `error` how many seconds the clock is ahead of ours where it is wrong."""

    kept_at: float | None = None
    gps_time: float | None = None
    error: float | None = None


class StationClock:
    """What one base station's counter and GPS time have been like. Times in seconds; `steady` is a clock of
    ours that never steps."""

    __slots__ = ("_offset", "_right_at", "_same", "_steady")

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        # The steady clock minus its counter, where frames came at once.
        self._offset: float | None = None
        # When a frame came last with the right time.
        self._right_at: float | None = None
        # The offset of frames that seemed kept, and since when it is the same.
        self._same: tuple[float, float] | None = None

    def judge(self, gps: float, timestamp: int | None, now: float) -> Heard:
        """A frame that comes at `now` with a GPS time and, perhaps, the counter in microseconds."""
        behind = now - gps_to_unix(gps)
        offset = None if timestamp is None else (self._steady() - timestamp / 1_000_000) % _WRAP
        if abs(behind) <= _TRUE:
            self._right_at = now
            self._came_at_once(offset)
            return Heard(gps_time=gps)
        if _LATE <= behind <= _LATEST and self._kept(behind, offset, now):
            return Heard(kept_at=now - behind)
        self._came_at_once(offset)
        # A few seconds may be those of a slow backhaul.
        return Heard(error=-behind if behind < 0 or behind >= _LATE else None)

    def _came_at_once(self, offset: float | None) -> None:
        self._same = None
        if offset is not None:
            self._offset = offset

    def _kept(self, behind: float, offset: float | None, now: float) -> bool:
        if offset is not None and self._offset is not None:
            waited = offset - self._offset
            says_kept, says_now = _near(waited, behind), _near(waited, 0.0)
            if says_now and not says_kept:
                return False
            if says_kept and not says_now:
                return not self._goes_on(offset, now)
        # The counter is unusable, or was reset.
        return self._right_at is not None and 0 <= now - self._right_at <= _JUST_NOW

    def _goes_on(self, offset: float, now: float) -> bool:
        """Whether frames seem kept for the same time again and again: a queue empties, a clock does not."""
        if self._same is None or not _near(offset, self._same[0]):
            self._same = offset, now
        return now - self._same[1] > _STEADY


def _near(one: float, other: float) -> bool:
    """Whether two times are the same as far as a counter of 32 bits can tell."""
    apart = (one - other) % _WRAP
    return min(apart, _WRAP - apart) <= _TOLERANCE
