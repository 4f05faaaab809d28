"""A track smooths what it is given, follows a moving device, and is not led astray by one wrong place."""

from __future__ import annotations

import random
from math import hypot
from statistics import mean

from msgspec.structs import replace

from tests.unit.location.city import MIDDLE
from veldnet.location import Fix, Track
from veldnet.location.plane import Point, flat
from veldnet.location.track import begin, follow

RADIUS = 100.0


def fix_at(east: float, north: float, radius: float = RADIUS) -> Fix:
    latitude, longitude = MIDDLE.degrees(Point(east, north))
    return Fix("TDOA", latitude, longitude, 0.0, radius, radius, radius, 0.0, 1.0, (1, 2, 3, 4))


def place_of(fix: Fix | Track) -> Point:
    return MIDDLE.point(fix.latitude, fix.longitude)


def test_a_device_that_stays_gets_nearer_and_never_surer_than_half_a_fix() -> None:
    rng = random.Random(1)
    track: Track | None = None
    raw, filtered = [], []
    fix: Fix | None = None
    for number in range(40):
        measured = fix_at(rng.gauss(0, 70), rng.gauss(0, 70))
        track, fix = follow(track, measured, 600.0 * number, 0.0)
        if fix is not None:
            raw.append(hypot(*place_of(measured)[:2]))
            filtered.append(hypot(*place_of(fix)[:2]))
    assert fix is not None and fix.north == fix.east == 0.0
    assert fix.radius >= RADIUS / 2 - 1
    assert mean(filtered[10:]) < 0.7 * mean(raw[10:])


def test_a_moving_device_is_followed_with_its_velocity() -> None:
    rng = random.Random(2)
    velocities: list[tuple[float, float]] = []
    track: Track | None = None
    fix: Fix | None = None
    for number in range(30):
        track, fix = follow(
            track, fix_at(10.0 * 60 * number + rng.gauss(0, 50), rng.gauss(0, 50)), 60.0 * number, 40.0
        )
        if fix is not None and number >= 15:
            velocities.append((fix.east, fix.north))
    assert fix is not None
    assert abs(mean(east for east, _n in velocities) - 10) < 2
    assert abs(mean(north for _e, north in velocities)) < 2
    assert flat(place_of(fix), Point(10.0 * 60 * 29, 0)) < 150


def test_no_device_is_faster_than_its_motion_indicator_says() -> None:
    track: Track | None = None
    for number in range(20):
        track, fix = follow(track, fix_at(0.0, 300.0 * number), 60.0 * number, 2.0)
        if fix is not None:
            assert hypot(fix.north, fix.east) <= 2.001


def test_one_wrong_place_is_left_out_and_three_begin_another_track() -> None:
    track = begin(fix_at(0, 0), 0.0, 2.0)
    after, fix = follow(track, fix_at(20_000, 0), 60.0, 2.0)
    assert fix is None and after.strange == 1 and flat(place_of(after), Point(0, 0)) < 1
    after, fix = follow(after, fix_at(10, 0), 120.0, 2.0)
    assert fix is not None and after.strange == 0
    for at in (180.0, 240.0):
        after, fix = follow(after, fix_at(20_000, 0), at, 2.0)
        assert fix is None
    after, fix = follow(after, fix_at(20_000, 0), 300.0, 2.0)
    assert fix is not None and flat(place_of(fix), Point(20_000, 0)) < 5


def test_an_earlier_uplink_and_a_long_silence_begin_again() -> None:
    track = begin(fix_at(0, 0), 1000.0, 40.0)
    for at in (900.0, 100_000.0):
        after, fix = follow(replace(track), fix_at(5000, 0), at, 40.0)
        assert fix is not None and after.at == at and flat(place_of(fix), Point(5000, 0)) < 5


def test_a_place_three_radii_off_does_not_drag_the_track_along() -> None:
    """It would be followed part of the way with a small radius, though no device is so fast."""
    before = begin(fix_at(0, 0, 50.0), 1000.0, 40.0)
    after, there = follow(before, fix_at(1300, 0, 400.0), 1001.0, 40.0)
    assert there is None and after.strange == 1
