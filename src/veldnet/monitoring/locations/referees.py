"""What devices at known places teach of base stations."""

from __future__ import annotations

import msgspec

from veldnet.location import Calibration, Learnt, PathLoss, Reference

from .clocks import ClockRecord


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
        self.clocks = ClockRecord()
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

    def learn(self, frame: Reference, at: float) -> None:
        """Take up a frame from a known place, heard at a time in Unix seconds."""
        self.clocks.note(self._calibration.learn(frame), at)
        self._loss, self.changed = None, True
