"""What devices at known places teach: how late the time stamps of each base station are, how much more than
others it reports, and how power falls with distance.

Offsets of clocks are relative, as only differences are seen: their mean is 0. They are learnt slowly,
because what walls do to the frames of one device looks like an offset; several devices around a base station
even that out.
"""

from __future__ import annotations

from math import log10

import msgspec
from msgspec.structs import replace

from .model import LIGHT, Clocks, Hearing, PathLoss
from .plane import Plane, distance

# Frames after which an offset is believed, and the least share of a new frame in it.
ENOUGH, _SHARE = 20, 0.02
# Nanoseconds beyond which a residual is no offset but a wrong clock.
_MOST_OFFSET = 3000.0
# dB beyond which a residual is something else.
_MOST_GAIN = 30.0
# Links that the model assumed counts for, so that few do not turn it over.
_PRIOR = 50.0
_SPREAD = 0.09
_OLDEST = 0.9995


class Learnt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of a base station: nanoseconds late and dB stronger than others, by so many frames."""

    clock: float = 0.0
    clock_frames: int = 0
    gain: float = 0.0
    gain_frames: int = 0


class Reference(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A frame from a known place. Degrees and metres."""

    latitude: float
    longitude: float
    eirp: float
    heard: tuple[Hearing, ...]


class Calibration:
    """Learns from reference frames. `sums` are those of a line through losses over distances: weight, x, y,
    xx, xy and yy, where x is the logarithm of kilometres and y the loss in dB."""

    def __init__(self, stations: dict[int, Learnt] | None = None, sums: list[float] | None = None) -> None:
        self.stations: dict[int, Learnt] = dict(stations or {})
        self.sums = list(sums) if sums is not None and len(sums) == 6 else [0.0] * 6

    def clock(self, station: int) -> float:
        """Nanoseconds by which its time stamps are late; 0 while too little is known."""
        learnt = self.stations.get(station)
        return 0.0 if learnt is None or learnt.clock_frames < ENOUGH else learnt.clock

    def gain(self, station: int) -> float:
        learnt = self.stations.get(station)
        return 0.0 if learnt is None or learnt.gain_frames < ENOUGH else learnt.gain

    @property
    def loss(self) -> PathLoss:
        """The path loss that fits what was learnt, and the assumed one as far as that is little."""
        assumed = PathLoss()
        weight, x, y, xx, xy, yy = self.sums
        # The prior lies on the assumed line, around one kilometre.
        w = weight + _PRIOR
        sy, sxx = y + _PRIOR * assumed.at_km, xx + _PRIOR * _SPREAD
        sxy = xy + _PRIOR * _SPREAD * assumed.slope
        variance = sxx / w - (x / w) ** 2
        slope = (sxy / w - x / w * sy / w) / variance if variance > 1e-6 else assumed.slope
        slope = min(max(slope, 20.0), 60.0)
        at_km = (sy - slope * x) / w
        shadowing = assumed.shadowing
        if weight > _PRIOR:
            rest = (
                yy
                - 2 * at_km * y
                - 2 * slope * xy
                + weight * at_km**2
                + 2 * at_km * slope * x
                + slope**2 * xx
            ) / weight
            shadowing = min(max(rest, 16.0), 225.0) ** 0.5
        return PathLoss(at_km, slope, shadowing)

    def forget(self, station: int) -> None:
        """What was learnt of a base station was of another place."""
        self.stations.pop(station, None)

    def learn(self, frame: Reference) -> Clocks:
        """Returns what the frame says of clocks."""
        plane = Plane(frame.latitude, frame.longitude)
        ground = min((h.altitude for h in frame.heard if h.altitude is not None), default=25.0) - 25.0
        here = plane.point(frame.latitude, frame.longitude, ground + 1.5)
        away = {
            h.station: distance(
                here,
                plane.point(h.latitude, h.longitude, ground + 25.0 if h.altitude is None else h.altitude),
            )
            for h in frame.heard
        }
        self._learn_levels(frame, away)
        return self._learn_clocks(frame, away)

    def _learn_clocks(self, frame: Reference, away: dict[int, float]) -> Clocks:
        timed = [h for h in frame.heard if h.fine is not None]
        if len(timed) < 2:
            return Clocks()
        second = min(h.fine[0] for h in timed if h.fine is not None)
        off = {}
        for h in timed:
            assert h.fine is not None
            late = (h.fine[0] - second) * 1e9 + h.fine[1] - away[h.station] / LIGHT
            off[h.station] = late - self._of(h.station).clock
        middle = sorted(off.values())[len(off) // 2]
        fitting = {
            station: each - middle for station, each in off.items() if abs(each - middle) < _MOST_OFFSET
        }
        if len(fitting) < 2:
            return Clocks()
        mean = sum(fitting.values()) / len(fitting)
        for station, each in fitting.items():
            learnt = self._of(station)
            share = max(1 / (learnt.clock_frames + 1), _SHARE)
            self.stations[station] = replace(
                learnt,
                clock=learnt.clock + share * (each - mean),
                clock_frames=learnt.clock_frames + 1,
            )
        # Of two that differ nothing tells which is wrong.
        odd = tuple(station for station in off if station not in fitting)
        return Clocks(tuple(fitting), odd) if len(fitting) > len(odd) else Clocks()

    def _learn_levels(self, frame: Reference, away: dict[int, float]) -> None:
        model = self.loss
        for h in frame.heard:
            if h.esp is None or away[h.station] < 50:
                continue
            x, y = log10(away[h.station] / 1000), frame.eirp - h.esp
            if abs(y - model.at_km - model.slope * x) > _MOST_GAIN:
                continue
            self.sums = [
                _OLDEST * before + now
                for before, now in zip(self.sums, (1.0, x, y, x * x, x * y, y * y), strict=True)
            ]
            learnt = self._of(h.station)
            share = max(1 / (learnt.gain_frames + 1), _SHARE)
            stronger = model.at_km + model.slope * x - y
            self.stations[h.station] = replace(
                learnt,
                gain=learnt.gain + share * (stronger - learnt.gain),
                gain_frames=learnt.gain_frames + 1,
            )

    def _of(self, station: int) -> Learnt:
        return self.stations.get(station) or Learnt()
