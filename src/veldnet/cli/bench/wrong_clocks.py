"""How often a position is far off where clocks of base stations are wrong, for `veldnet bench location`."""

from __future__ import annotations

import random
from itertools import product
from statistics import median

import msgspec
from msgspec.structs import replace

from veldnet.location import Motion, Problem, solve
from veldnet.monitoring.locations import ClockRecord
from veldnet.simulator.fine_clock import Surroundings

from .location import City, error_of

# Frames of each city, and nanoseconds by which a clock is wrong, either way.
_FRAMES, _LEAST, _MOST = 300, 500.0, 20_000.0


class WrongClocksResult(msgspec.Struct):
    """Of cities in which so many clocks are wrong by the same: positions that such a clock had part in, the
    share of them more than three radii off, and metres. `records` says whether what earlier frames told of
    clocks was used; then, how many of the wrong and of the right clocks were taken for wrong."""

    baseStations: int
    wrongClocks: int
    records: bool
    positions: int
    farOff: float
    medianRadius: float
    found: int
    blamed: int


def bench_wrong_clocks(cities: int, around: Surroundings) -> list[WrongClocksResult]:
    """By four to six base stations."""
    return [
        _measured(count, wrong, cities, around, records=records)
        for count, wrong, records in product((4, 5, 6), (1, 2), (False, True))
    ]


def _measured(
    count: int, wrong: int, cities: int, around: Surroundings, *, records: bool
) -> WrongClocksResult:
    radii: list[float] = []
    far = found = blamed = 0
    for seed in range(cities):
        city, record = City(seed, around), ClockRecord()
        rng = random.Random(seed)  # noqa: S311 - the same seed must give the same city
        stations = set(rng.sample(range(len(city.clocks)), wrong))
        late = rng.choice((-1, 1)) * rng.uniform(_LEAST, _MOST)
        for station in stations:
            city.clocks[station].wrong = late
        for frame in range(_FRAMES):
            device, heard = city.frame(count)
            if records:
                heard = tuple(replace(h, doubted=record.is_doubted(h.station, frame)) for h in heard)
            answer = solve(Problem(1000.0, heard, motion=Motion(0.0)))
            record.note(answer.clocks, frame)
            fix = answer.fix
            if fix is not None and any(h.station in stations for h in heard):
                radii.append(fix.radius)
                far += error_of(device, fix.latitude, fix.longitude) > 3 * fix.radius
        guilty = {station for station in range(len(city.clocks)) if record.is_wrong(station)}
        found, blamed = found + len(guilty & stations), blamed + len(guilty - stations)
    return WrongClocksResult(
        count,
        wrong,
        records,
        len(radii),
        round(far / len(radii), 4) if radii else 0.0,
        round(median(radii)) if radii else 0,
        found if records else 0,
        blamed if records else 0,
    )
