"""A city with base stations on roofs: frames as they would hear them, with multipath, clock noise and
shadowing as published."""

from __future__ import annotations

import random
from math import log10

from veldnet.location import Hearing
from veldnet.location.plane import Plane, Point, distance
from veldnet.simulator.fine_clock import TOWN, FineClock, Surroundings

MIDDLE = Plane(52.0907, 5.1214)
GPS = 1_400_000_000_000_000_000
# dB at a kilometre in a town, for each factor of ten, and sigma.
LOSS, SLOPE, SHADOWING = 128.0, 37.0, 8.0


class City:
    """Base stations on a grid of two kilometres, each a little off it."""

    def __init__(self, seed: int, *, rows: int = 5, apart: float = 2000.0) -> None:
        self.rng = random.Random(seed)
        half = (rows - 1) / 2
        self.places = [
            Point(
                (i - half) * apart + self.rng.gauss(0, 300), (j - half) * apart + self.rng.gauss(0, 300), 30.0
            )
            for i in range(rows)
            for j in range(rows)
        ]
        self.clocks = [FineClock(self.rng, GPS) for _place in self.places]

    def anywhere(self) -> Point:
        return Point(self.rng.uniform(-2500, 2500), self.rng.uniform(-2500, 2500), 1.5)

    def heard(self, device: Point, most: int, *, fine: bool = True) -> tuple[Hearing, ...]:
        """What the base stations that hear a device best say."""
        levels = []
        for station, place in enumerate(self.places):
            away = max(distance(device, place), 20.0)
            esp = 14 - (LOSS + SLOPE * log10(away / 1000) + self.rng.gauss(0, SHADOWING))
            levels.append((esp, station, place))
        levels.sort(reverse=True)
        return tuple(self._hearing(device, *level, fine=fine) for level in levels[:most])

    def _hearing(self, device: Point, esp: float, station: int, place: Point, *, fine: bool) -> Hearing:
        stamp = self.clocks[station].stamp(100.0, distance(device, place) / 1000)
        return hearing(station, place, esp, (stamp.second, stamp.nanosecond) if fine else None)


def hearing(
    station: int, place: Point, esp: float | None = -100.0, fine: tuple[int, int] | None = None
) -> Hearing:
    latitude, longitude = MIDDLE.degrees(Point(place.east, place.north))
    snr = None if esp is None else min(10.0, esp + 117)
    return Hearing(station, latitude, longitude, 30.0, esp, snr, fine)


def exact(device: Point, places: list[Point], late: dict[int, float] | None = None) -> tuple[Hearing, ...]:
    """Perfect stamps and levels, but that some come so many nanoseconds late."""
    clock = FineClock(random.Random(0), GPS, Surroundings(0.0, 1.0, 0.0, 0.0, 0.0))
    found = []
    for station, place in enumerate(places):
        away = distance(device, place)
        second, nanosecond = clock.stamp(100.0, away / 1000)
        shifted = second * 1_000_000_000 + nanosecond + round((late or {}).get(station, 0.0))
        esp = 14 - (125.0 + 35.0 * log10(max(away, 20.0) / 1000))
        found.append(hearing(station, place, esp, divmod(shifted, 1_000_000_000)))
    return tuple(found)


__all__ = ["GPS", "MIDDLE", "TOWN", "City", "exact", "hearing"]
