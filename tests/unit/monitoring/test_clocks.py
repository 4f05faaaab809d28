"""A base station whose clock is wrong is found out by what many frames say, its time stamps are not used, and
are used again once they fit."""

from __future__ import annotations

import random

from msgspec.structs import replace

from tests.unit.location.city import MIDDLE, City, exact
from veldnet.location import Answer, Calibration, Clocks, Hearing, Problem, Reference, solve
from veldnet.location.plane import Point, flat
from veldnet.monitoring.locations.clocks import ClockRecord

PLACES = [
    Point(0, 0, 30),
    Point(2000, 100, 30),
    Point(2100, 2100, 30),
    Point(-100, 1900, 30),
    Point(900, -900, 30),
]
DEVICE = Point(700, 800, 1.5)
HOUR = 3600.0


def note(
    record: ClockRecord, late: dict[int, float], *, heard_by: int = 5, at: float = 0.0, times: int = 1
) -> Answer:
    """Have frames solved as the network does; the last answer."""
    answer = Answer()
    for _time in range(times):
        heard = exact(DEVICE, PLACES[:heard_by], late)
        known = tuple(replace(each, doubted=record.is_doubted(each.station, at)) for each in heard)
        answer = solve(Problem(1000.0, known, "TDOA"))
        record.note(answer.clocks, at)
    return answer


def test_a_clock_is_wrong_after_most_of_its_stamps_did_not_fit() -> None:
    record = ClockRecord()
    note(record, {2: 5000.0}, times=7)
    assert record.is_wrong(2) is None, "a few frames say nothing"
    note(record, {2: 5000.0}, times=5)
    assert record.is_wrong(2) is True and record.is_wrong(0) is False and record.is_wrong(99) is None
    answer = note(record, {2: 5000.0})
    assert answer.fix is not None and set(answer.fix.used) == {0, 1, 3, 4} and answer.fix.excluded == ()
    note(record, {}, times=40)
    assert record.is_wrong(2) is False, "it was repaired"
    answer = note(record, {})
    assert answer.fix is not None and 2 in answer.fix.used


def test_what_walls_can_do_makes_no_clock_wrong() -> None:
    record = ClockRecord()
    answer = note(record, {2: 1200.0}, times=40)
    assert answer.fix is not None and answer.fix.excluded == (2,)
    assert record.is_wrong(2) is None


def test_of_four_that_are_always_the_same_none_is_blamed_unless_light_is_too_slow() -> None:
    record = ClockRecord()
    note(record, {1: 4000.0}, heard_by=4, times=100)
    assert [record.is_wrong(station) for station in range(4)] == [False] * 4
    note(record, {1: 40_000.0}, heard_by=4, times=100)
    assert [record.is_wrong(station) for station in range(4)] == [False, True, False, False]
    answer = note(record, {1: 40_000.0}, heard_by=4)
    assert answer.raw is not None and 1 not in answer.raw.used


def test_a_clock_that_nothing_could_check_is_tried_again_after_hours() -> None:
    record = ClockRecord()
    note(record, {1: 40_000.0, 2: -40_000.0}, times=12)
    assert record.is_doubted(1, 5 * HOUR) and record.is_doubted(2, 5 * HOUR)
    # Two that are trusted cannot check another.
    note(record, {}, heard_by=3, at=5 * HOUR)
    assert record.is_wrong(1)
    note(record, {}, at=7 * HOUR)
    assert record.is_wrong(1) is None and not record.is_doubted(1, 7 * HOUR)
    note(record, {}, at=7 * HOUR, times=8)
    assert record.is_wrong(1) is False


def walk(city: City, record: ClockRecord, late: dict[int, float], frames: int) -> float:
    """Frames of devices all over the city, each by the four base stations that hear it best; the share of
    places more than three radii off, of those that a wrong clock took part in."""
    wrong = total = 0
    for frame in range(frames):
        device = city.anywhere()
        heard = [_shifted(each, late.get(each.station, 0.0)) for each in city.heard(device, 4)]
        known = tuple(replace(each, doubted=record.is_doubted(each.station, frame)) for each in heard)
        answer = solve(Problem(1000.0, known))
        record.note(answer.clocks, frame)
        if answer.fix is not None and any(each.station in late for each in heard):
            total += 1
            off = flat(MIDDLE.point(answer.fix.latitude, answer.fix.longitude), device)
            wrong += off > 3 * answer.fix.radius
    return wrong / total


def _shifted(hearing: Hearing, late: float) -> Hearing:
    assert hearing.fine is not None
    nanoseconds = hearing.fine[0] * 1_000_000_000 + hearing.fine[1] + round(late)
    return replace(hearing, fine=divmod(nanoseconds, 1_000_000_000))


def test_of_a_city_in_which_each_device_has_four_the_wrong_one_is_found() -> None:
    """No single frame of four base stations can tell which is wrong; together they can."""
    city, record = City(3), ClockRecord()
    middle = 12
    walk(city, record, {middle: random.Random(3).choice((-1, 1)) * 3000.0}, 120)
    assert [station for station in range(25) if record.is_wrong(station)] == [middle]
    assert walk(city, record, {middle: 3000.0}, 60) == 0.0


def test_a_device_at_a_known_place_tells_of_clocks_even_with_three_base_stations() -> None:
    calibration, (latitude, longitude) = Calibration(), MIDDLE.degrees(DEVICE)

    def clocks(heard: tuple[Hearing, ...]) -> Clocks:
        return calibration.learn(Reference(latitude, longitude, 14.0, heard))

    assert clocks(exact(DEVICE, PLACES[:3])) == Clocks((0, 1, 2))
    assert clocks(exact(DEVICE, PLACES[:3], {1: 5000.0})) == Clocks((0, 2), (1,))
    assert clocks(exact(DEVICE, PLACES[:2], {1: 5000.0})) == Clocks(), "either may be wrong"
