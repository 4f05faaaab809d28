"""Fine time stamps of virtual base stations: what clocks and walls make of the moment at which a frame
arrives.

Walls delay and never hasten: a frame that comes around a corner is late by an exponential time, most of the
time in a town and rarely in the open (published measurements have 50 to 1000 ns in cities). Each base
station has an offset of its own for its cable and receiver, and each stamp the noise of its clock.
"""

from __future__ import annotations

import random

import msgspec

from veldnet.lorawan.gpstime import FineTime

# Kilometres of light in a nanosecond.
_LIGHT = 0.299_792_458e-3
_SECOND = 1_000_000_000


class Surroundings(msgspec.Struct, frozen=True):
    """`hidden` is how many of the ways go around walls, `detour` the mean and `longest` the most nanoseconds
    that adds; `offset` and `noise` are the sigmas of clocks, in nanoseconds."""

    hidden: float = 0.7
    detour: float = 250.0
    longest: float = 1000.0
    offset: float = 20.0
    noise: float = 30.0


TOWN = Surroundings()
OPEN = Surroundings(hidden=0.2, detour=100.0)


class FineClock:
    """The clock of one base station. `gps` is the GPS time in nanoseconds at which the event loop's clock
    was 0, the same for all; `wrong` is how many nanoseconds a clock is ahead that has lost its GPS."""

    def __init__(self, rng: random.Random, gps: int, surroundings: Surroundings = TOWN) -> None:
        self._rng, self._gps, self._surroundings = rng, gps, surroundings
        self._offset = rng.gauss(0.0, surroundings.offset)
        self.wrong = 0.0

    def delay(self, distance: float) -> float:
        """Nanoseconds from the transmission until the stamp, over so many kilometres."""
        around = self._surroundings
        late = 0.0
        if self._rng.random() < around.hidden:
            late = min(self._rng.expovariate(1 / around.detour), around.longest)
        return distance / _LIGHT + late + self._offset + self._rng.gauss(0.0, around.noise) + self.wrong

    def stamp(self, at: float, distance: float) -> FineTime:
        """Of a frame that ended `at` a time of the loop, so many kilometres away."""
        arrived = self._gps + round(at * _SECOND) + round(self.delay(distance))
        return FineTime(*divmod(arrived, _SECOND))
