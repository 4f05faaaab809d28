"""The share of a base station's time that campaigns may use for transmissions, and the turns of messages."""

from __future__ import annotations

from collections.abc import Sequence

# Milliseconds of transmission that may come at once, for each percent of the share.
_BURST = 36_000.0
_MOST = 10_000
# Milliseconds for which a base station rests at most after a transmission, and the least share.
_LONGEST, _LEAST = 7 * 86_400_000, 0.0001


class AirtimeShares:
    """A bucket for each base station that has sent something for a campaign: it fills by the share of the
    time that passes."""

    def __init__(self) -> None:
        # Milliseconds of transmission left, and when that was.
        self._left: dict[int, tuple[float, int]] = {}

    def charge(self, base_station: int | None, airtime: int, share: float, now: int) -> int:
        """Note a transmission, in tenths of a millisecond; returns when the base station may send again for
        the campaign, in Unix milliseconds."""
        if base_station is None:
            return now
        share = max(share, _LEAST)
        full = _BURST * share
        left, at = self._left.get(base_station, (full, now))
        left = min(full, left + (now - at) * share) - airtime / 10
        if base_station not in self._left and len(self._left) >= _MOST:
            self._left.pop(next(iter(self._left)))
        self._left[base_station] = left, now
        return now if left >= 0 else now + round(min(-left / share, _LONGEST))


# Milliseconds by which messages may be ahead of their turn: a duty cycle is that of a whole hour.
_AHEAD = 900_000.0


class Turns:
    """Lets messages go out one after the other, by base station, whichever campaign they are of."""

    def __init__(self) -> None:
        # Until when each base station has something to send, in Unix milliseconds.
        self._busy_until: dict[int, float] = {}

    @property
    def busy_until(self) -> dict[int, float]:
        """A copy of it."""
        return dict(self._busy_until)

    def take(self, stations: Sequence[int], seconds: float, now: int) -> int:
        """When a message may go out that takes so many seconds of one of these base stations."""
        until = self._busy_until
        station = min(stations, key=lambda each: until.get(each, 0.0))
        begins = max(until.pop(station, 0.0), float(now))
        if len(until) >= _MOST:
            until.pop(next(iter(until)))
        until[station] = begins + seconds * 1000
        return max(now, round(begins - _AHEAD))
