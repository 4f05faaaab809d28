"""Which base stations have a clock that cannot be right, by what many frames say of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from veldnet.location import Clocks

# Of so many of its last time stamps that others could check, this share must not fit.
_LOOKED_AT, _WRONG = 32, 0.5
_LEAST = 8
# Seconds in which a clock must be checked: what was said before says nothing any more, and one that was wrong
# is tried again.
_TRIED_AGAIN = 6 * 3600.0
_MOST_STATIONS = 20_000
# How often stamps contradict each other without a wrong clock, as odds, and how likely one is wrong of which
# nothing is known.
_NONE, _UNKNOWN = 0.1, 0.1


class _Standing(NamedTuple):
    """How many of the last time stamps were checked, and of these how many did not fit, both fading; when
    the last was, in Unix seconds."""

    checked: float = 0.0
    bad: float = 0.0
    at: float = 0.0

    @property
    def odds(self) -> float:
        """That its clock is wrong."""
        share = min((self.bad + _UNKNOWN) / (self.checked + 1), 0.99)
        return share / (1 - share)


class ClockRecord:
    """Kept in memory."""

    def __init__(self) -> None:
        self._of: OrderedDict[int, _Standing] = OrderedDict()

    def note(self, clocks: Clocks, at: float) -> None:
        """Take up what a frame said. Where it cannot tell which of several is wrong, the blame is shared by
        what other frames have said of them: frames that the same base stations hear tell of none."""
        blamed = list(self._blamed(clocks))
        for station, part in blamed:
            before = self._of.get(station, _Standing())
            if at - before.at >= _TRIED_AGAIN:
                before = _Standing()
            fade = 1.0 if before.checked < _LOOKED_AT else 1 - 1 / _LOOKED_AT
            self._of[station] = _Standing(before.checked * fade + 1, before.bad * fade + part, at)
            self._of.move_to_end(station)
        while len(self._of) > _MOST_STATIONS:
            self._of.popitem(last=False)

    def forget(self, station: int) -> None:
        """What was said of a base station was of another place."""
        self._of.pop(station, None)

    def _blamed(self, clocks: Clocks) -> Iterator[tuple[int, float]]:
        yield from ((station, 0.0) for station in clocks.right)
        yield from ((station, 1.0) for station in clocks.wrong)
        odds = [self._of.get(station, _Standing()).odds for station in clocks.suspects]
        total = _NONE + sum(odds)
        yield from ((station, each / total) for station, each in zip(clocks.suspects, odds, strict=True))

    def is_wrong(self, station: int) -> bool | None:
        """Whether time stamps of a base station have not fitted those of others again and again; None while
        too few could be checked."""
        standing = self._of.get(station)
        if standing is None or standing.checked < _LEAST:
            return None
        return standing.bad / standing.checked > _WRONG

    def is_doubted(self, station: int, at: float) -> bool:
        """Whether its time stamps are only to be checked. One that nothing could check for long is used
        again: it may be right by now, and is soon found out otherwise."""
        return bool(self.is_wrong(station)) and at - self._of[station].at < _TRIED_AGAIN
