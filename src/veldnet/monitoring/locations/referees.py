"""What devices at known places teach of base stations."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from veldnet.location import Calibration, Learnt, PathLoss, Reference

from .clocks import ClockRecord


class Placed(NamedTuple):
    """Where a base station stands: degrees, metres above the sea where that is known."""

    latitude: float
    longitude: float
    altitude: float | None


class Stored(msgspec.Struct, frozen=True):
    """What was learnt, as it is stored. As news, what was known of `moved` base stations is void."""

    stations: dict[int, Learnt] = {}
    sums: list[float] = []
    moved: list[int] = []


# Base stations whose places are in memory.
_MOST_PLACES = 20_000


class Referees:
    """Kept in memory; `stored` and `load` carry it over restarts."""

    def __init__(self) -> None:
        self._loaded = Stored()
        self._calibration = Calibration()
        self._loss: PathLoss | None = None
        self.clocks = ClockRecord()
        self.changed = False
        self._places: OrderedDict[int, Placed] = OrderedDict()
        self._moved: set[int] = set()

    def load(self, stored: Stored, moved: Iterable[int] = ()) -> None:
        """Take up what is stored; it allows for base stations that have `moved`."""
        self._moved.difference_update(moved)
        self._loaded, self.changed = stored, bool(self._moved)
        self._calibration, self._loss = Calibration(stored.stations, stored.sums), None
        for station in self._moved:
            self._calibration.forget(station)

    def news(self) -> Stored:
        """What was learnt since it was loaded, as differences: other nodes learn, too."""
        before, now = self._loaded, self._calibration
        none = [0.0] * len(now.sums)
        sums = [new - old for new, old in zip(now.sums, before.sums or none, strict=True)]
        stations = {}
        for station, learnt in now.stations.items():
            known = Learnt() if station in self._moved else before.stations.get(station, Learnt())
            if learnt != known:
                stations[station] = Learnt(
                    learnt.clock - known.clock,
                    learnt.clock_frames - known.clock_frames,
                    learnt.gain - known.gain,
                    learnt.gain_frames - known.gain_frames,
                )
        return Stored(stations, sums, sorted(self._moved))

    def stands(self, station: int, at: Placed) -> None:
        """Where a base station stands now. What stamps and levels told of it at another place, which may have
        been a wrong one, is forgotten."""
        before = self._places.get(station)
        self._places[station] = at
        self._places.move_to_end(station)
        if before is not None and before != at:
            self.clocks.forget(station)
            self._calibration.forget(station)
            self._moved.add(station)
            self.changed = True
        while len(self._places) > _MOST_PLACES:
            self._places.popitem(last=False)

    @property
    def loss(self) -> PathLoss:
        if self._loss is None:
            self._loss = self._calibration.loss
        return self._loss

    def clock(self, station: int) -> float:
        return self._calibration.clock(station)

    def gain(self, station: int) -> float:
        return self._calibration.gain(station)

    def learn(self, frame: Reference, at: float) -> None:
        """Take up a frame from a known place, heard at a time in Unix seconds."""
        self.clocks.note(self._calibration.learn(frame), at)
        self._loss, self.changed = None, True
