"""Areas: how far a place is from a border, and what positions of some certainty say of crossing it."""

from __future__ import annotations

import random

import pytest

from veldnet.domain.geofences import (
    Circle,
    Corner,
    Geofence,
    Shape,
    Side,
    crosses_itself,
    depth,
    judge,
    side,
    surface,
)
from veldnet.location.plane import Plane, Point

MIDDLE = Plane(52.09, 5.12)


def corner(east: float, north: float, plane: Plane = MIDDLE) -> Corner:
    return Corner(*plane.degrees(Point(east, north)))


def square(size: float, plane: Plane = MIDDLE) -> tuple[Corner, ...]:
    return tuple(corner(x * size, y * size, plane) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))


@pytest.mark.parametrize("plane", [MIDDLE, Plane(-17.0, 180.0), Plane(0.0, 0.0), Plane(70.0, -179.99)])
@pytest.mark.parametrize(
    ("east", "north", "inside"),
    [(0, 0, 500), (400, 0, 100), (0, -499, 1), (600, 0, -100), (800, 900, -500), (5000, 0, -4500)],
)
def test_the_distance_to_the_border_is_that_on_the_ground(
    plane: Plane, east: float, north: float, inside: float
) -> None:
    at = corner(east, north, plane)
    found = depth(Shape(polygon=square(500, plane)), at.latitude, at.longitude)
    assert found == pytest.approx(inside, abs=0.01 * abs(inside) + 2)
    around = Shape(Circle(plane.latitude, plane.longitude, 500))
    assert depth(around, at.latitude, at.longitude) == pytest.approx(
        500 - (east**2 + north**2) ** 0.5, abs=0.01 * (abs(east) + abs(north)) + 2
    )


def test_what_lies_in_a_bay_is_outside() -> None:
    bay = tuple(corner(x, y) for x, y in ((0, 0), (900, 0), (900, 900), (600, 900), (600, 300), (0, 300)))
    for east, north, inside in ((300, 150, True), (750, 600, True), (300, 600, False), (950, 100, False)):
        at = corner(east, north)
        assert (depth(Shape(polygon=bay), at.latitude, at.longitude) > 0) is inside
    assert not crosses_itself(bay) and surface(bay) == pytest.approx(450_000, rel=0.01)
    a, b, c, d = square(500)
    assert crosses_itself((a, c, b, d)) and not crosses_itself((a, b, c, d))


# What was known, metres within the border at a radius of 100 m, what is known then.
STEPS = [
    (None, 90, None),
    (None, 150, Side.MAYBE_IN),
    (None, -150, Side.MAYBE_OUT),
    (None, 250, Side.IN),
    (Side.MAYBE_IN, 150, Side.IN),
    (Side.MAYBE_IN, -150, Side.MAYBE_OUT),
    (Side.MAYBE_OUT, -150, Side.OUT),
    (Side.MAYBE_OUT, 90, None),
    (Side.OUT, 90, Side.OUT),
    (Side.OUT, 150, Side.ONCE_IN),
    (Side.OUT, 250, Side.IN),
    (Side.ONCE_IN, 90, Side.OUT),
    (Side.ONCE_IN, 150, Side.IN),
    (Side.ONCE_IN, -150, Side.OUT),
    (Side.IN, -99, Side.IN),
    (Side.IN, -150, Side.ONCE_OUT),
    (Side.IN, -250, Side.OUT),
    (Side.ONCE_OUT, -150, Side.OUT),
    (Side.ONCE_OUT, 150, Side.IN),
    (Side.ONCE_OUT, float("nan"), Side.IN),
]


@pytest.mark.parametrize(("before", "inside", "after"), STEPS)
def test_a_side_is_known_only_from_what_is_more_certain_than_the_border_is_near(
    before: Side | None, inside: float, after: Side | None
) -> None:
    assert side(before, inside, 100.0) == after


def fence(**changes: object) -> Geofence:
    values = {
        "ref": 7, "name": "Depot", "watched": "BOTH", "level": 4, "tag": None,
        "shape": Shape(Circle(52.09, 5.12, 500)), "drawn_at": 1000,
    }  # fmt: skip
    return Geofence(**(values | changes))  # type: ignore[arg-type]


HERE, AWAY = Circle(52.09, 5.12, 100), Circle(52.2, 5.12, 100)


def test_a_crossing_is_told_where_it_is_watched_and_never_at_first_sight() -> None:
    first = judge([fence()], {}, None, HERE)
    assert first.sides == {7: Side.IN} and [c.raised for c in first.crossings] == [False]
    left = judge([fence()], first.sides, 2000, AWAY)
    (crossing,) = left.crossings
    assert (crossing.inside, crossing.raised, crossing.name, crossing.level) == (False, True, "Depot", 4)
    assert judge([fence()], left.sides, 3000, AWAY).crossings == ()
    for watched, told in (("ENTER", False), ("LEAVE", True)):
        (crossing,) = judge([fence(watched=watched)], first.sides, 2000, AWAY).crossings
        assert crossing.raised is told
    # The border has moved since, not the device.
    (crossing,) = judge([fence(drawn_at=2500)], first.sides, 2000, AWAY).crossings
    assert not crossing.raised
    assert judge([], first.sides, 2000, AWAY).ended == (7,)


def test_a_device_at_the_border_hardly_ever_seems_to_cross_it() -> None:
    """Its positions are as uncertain as their radius says, one sigma of the distance."""
    rng, sides, crossed = random.Random(3), {7: int(Side.IN)}, 0
    for number in range(2000):
        at = corner(500 + rng.gauss(0, 70), rng.gauss(0, 70))
        verdict = judge([fence()], sides, 2000 + number, Circle(at.latitude, at.longitude, 100))
        sides, crossed = verdict.sides, crossed + len(verdict.crossings)
    assert crossed < 40
