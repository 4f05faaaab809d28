"""What devices at known places teach of base stations, and which base stations have a clock that cannot be
right."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from veldnet.location import Answer, Calibration, Hearing, Learnt, PathLoss, Reference

# Of so many of its last time stamps that others could check, this share must not fit.
_LOOKED_AT, _WRONG = 32, 0.5
_LEAST = 8
_MOST_STATIONS = 20_000


class Stored(msgspec.Struct, frozen=True):
    """What was learnt, as it is stored."""

    stations: dict[int, Learnt] = {}
    sums: list[float] = []


class Referees:
    """Kept in memory; `stored` and `load` carry it over restarts."""

    def __init__(self) -> None:
        self._loaded = Stored()
        self._calibration = Calibration()
        self._loss: PathLoss | None = None
        # Of each base station: how many of its last time stamps were checked, and of these how many did not
        # fit, both fading.
        self._checked: OrderedDict[int, tuple[float, float]] = OrderedDict()
        self.changed = False

    def load(self, stored: Stored) -> None:
        self._loaded, self.changed = stored, False
        self._calibration, self._loss = Calibration(stored.stations, stored.sums), None

    def news(self) -> Stored:
        """What was learnt since it was loaded, as differences: other nodes learn, too."""
        before, now = self._loaded, self._calibration
        none = [0.0] * len(now.sums)
        sums = [new - old for new, old in zip(now.sums, before.sums or none, strict=True)]
        stations = {}
        for station, learnt in now.stations.items():
            known = before.stations.get(station, Learnt())
            if learnt != known:
                stations[station] = Learnt(
                    learnt.clock - known.clock,
                    learnt.clock_frames - known.clock_frames,
                    learnt.gain - known.gain,
                    learnt.gain_frames - known.gain_frames,
                )
        return Stored(stations, sums)

    @property
    def loss(self) -> PathLoss:
        if self._loss is None:
            self._loss = self._calibration.loss
        return self._loss

    def clock(self, station: int) -> float:
        return self._calibration.clock(station)

    def gain(self, station: int) -> float:
        return self._calibration.gain(station)

    def learn(self, latitude: float, longitude: float, eirp: float, heard: tuple[Hearing, ...]) -> None:
        self._calibration.learn(Reference(latitude, longitude, eirp, heard))
        self._loss, self.changed = None, True

    # Clocks.

    def note(self, answer: Answer) -> None:
        """Count whose time stamps fitted: only where enough base stations agree to tell."""
        raw = answer.raw
        if raw is None or raw.method != "TDOA" or len(raw.used) < 4:
            return
        for station, wrong in [*((s, 0.0) for s in raw.used), *((s, 1.0) for s in raw.excluded)]:
            checked, bad = self._checked.get(station, (0.0, 0.0))
            fade = 1.0 if checked < _LOOKED_AT else 1 - 1 / _LOOKED_AT
            self._checked[station] = (checked * fade + 1, bad * fade + wrong)
            self._checked.move_to_end(station)
        while len(self._checked) > _MOST_STATIONS:
            self._checked.popitem(last=False)

    def is_wrong(self, station: int) -> bool | None:
        """Whether time stamps of a base station have not fitted those of others again and again; None while
        too few could be checked."""
        checked, bad = self._checked.get(station, (0.0, 0.0))
        return None if checked < _LEAST else bad / checked > _WRONG
