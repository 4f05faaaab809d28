"""Counters of one base station: two that run side by side are two base stations with one EUI.

A counter runs on as our clock does, and begins again where a base station restarts. Where two go on from
where they were by turns, both are alive, from whichever addresses their frames come. Frames that were kept
for a while look like another counter; but theirs does not go on, for a queue empties.
"""

from __future__ import annotations

from collections import deque

from .addresses import ALIVE, RETURNS, WITHIN, Address

# Seconds by which a counter may be off, for frames are that long on their way, and seconds that it must have
# gone on.
_TOLERANCE, _STEADY = 5.0, 60.0
_WRAP = (1 << 32) / 1_000_000
_MOST = 4


class _Counter:
    """One that frames have shown: our steady clock minus it, since when and until when, and where from."""

    __slots__ = ("address", "last", "offset", "since")

    def __init__(self, offset: float, address: Address, now: float) -> None:
        self.offset = offset
        self.address = address
        self.since = self.last = now

    def is_that(self, offset: float) -> bool:
        apart = (offset - self.offset) % _WRAP
        return min(apart, _WRAP - apart) <= _TOLERANCE


class Counters:
    """The counters that frames of one EUI have shown lately. Times in seconds."""

    __slots__ = ("_known", "_returns")

    def __init__(self) -> None:
        # The one that spoke last comes first.
        self._known: list[_Counter] = []
        self._returns: deque[float] = deque(maxlen=RETURNS)

    def frame(self, timestamp: int, address: Address, now: float, steady: float) -> None:
        """A frame with the counter in microseconds; `steady` is the time by a clock that never steps."""
        offset = (steady - timestamp / 1_000_000) % _WRAP
        known = self._known
        counter = next((counter for counter in known if counter.is_that(offset)), None)
        if counter is None:
            known.insert(0, _Counter(offset, address, now))
            del known[_MOST:]
            return
        if counter is not known[0]:
            known.remove(counter)
            known.insert(0, counter)
            if now - counter.last <= ALIVE:
                self._returns.append(now)
        # A crystal is not exact: the offset wanders with it.
        counter.offset, counter.address, counter.last = offset, address, now

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds: what is kept is as long ago as it was."""
        self._returns = deque((at + by for at in self._returns), maxlen=RETURNS)
        for counter in self._known:
            counter.since += by
            counter.last += by

    def side_by_side(self, now: float) -> list[Address]:
        """Where the counters are heard from that run at once; none where there is but one."""
        returns = self._returns
        if len(returns) < RETURNS or now - returns[0] > WITHIN:
            return []
        alive = [c for c in self._known if now - c.last <= ALIVE and c.last - c.since >= _STEADY]
        return sorted(counter.address for counter in alive) if len(alive) > 1 else []
