"""Devices at known places teach what clocks and antennas are off, and how power falls."""

from __future__ import annotations

from statistics import median

from tests.unit.location.city import LOSS, MIDDLE, SLOPE, City
from veldnet.location import Calibration, Hearing, Problem, Reference, solve
from veldnet.location.plane import Point, flat


def reference(heard: tuple[Hearing, ...], device: Point) -> Reference:
    latitude, longitude = MIDDLE.degrees(device)
    return Reference(latitude, longitude, 14.0, heard)


def test_offsets_of_clocks_are_learnt_from_known_places() -> None:
    city = City(3)
    # Cables of a hundred metres, and a receiver that is 400 ns late.
    off = {station: city.rng.gauss(0, 300) for station in range(len(city.places))}
    for station, clock in enumerate(city.clocks):
        clock.wrong = off[station]
    calibration = Calibration()
    for _frame in range(600):
        device = city.anywhere()
        calibration.learn(reference(city.heard(device, 6), device))
    learnt = {station: each.clock for station, each in calibration.stations.items() if each.clock_frames > 60}
    assert len(learnt) > 5
    level = median(off[station] - learnt[station] for station in learnt)
    assert median(abs(off[station] - learnt[station] - level) for station in learnt) < 80
    errors: dict[bool, list[float]] = {True: [], False: []}
    for _frame in range(40):
        device = city.anywhere()
        heard = city.heard(device, 6)
        for calibrated, found in errors.items():
            used = tuple(
                Hearing(
                    h.station, h.latitude, h.longitude, h.altitude, h.esp, h.snr, h.fine,
                    calibration.clock(h.station) if calibrated else 0.0,
                )
                for h in heard
            )  # fmt: skip
            fix = solve(Problem(1000.0, used, "TDOA")).fix
            if fix is not None:
                found.append(flat(MIDDLE.point(fix.latitude, fix.longitude), device))
    assert median(errors[True]) < 0.8 * median(errors[False])


def test_path_loss_is_fitted() -> None:
    city, calibration = City(4), Calibration()
    assert (calibration.loss.at_km, calibration.loss.slope) == (125.0, 35.0)
    for _frame in range(300):
        device = city.anywhere()
        calibration.learn(reference(city.heard(device, 25, fine=False), device))
    assert abs(calibration.loss.at_km - LOSS) < 1.5 and abs(calibration.loss.slope - SLOPE) < 3
    assert 6 < calibration.loss.shadowing < 10


def test_little_changes_nothing_much() -> None:
    city, calibration = City(5), Calibration()
    device = city.anywhere()
    calibration.learn(reference(city.heard(device, 3), device))
    assert abs(calibration.loss.at_km - 125) < 3
    assert all(calibration.clock(station) == 0 for station in calibration.stations)
