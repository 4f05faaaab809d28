"""`veldnet bench location`: how accurately and how fast the solver finds devices in a simulated city."""

from __future__ import annotations

import random
import time
from math import log10
from statistics import median, quantiles
from typing import Literal

import msgspec

from veldnet.location import Hearing, Motion, Problem, solve
from veldnet.simulator.fine_clock import FineClock, Surroundings

# dB at a kilometre in a town, for each factor of ten, and sigma; metres between base stations.
_LOSS, _SLOPE, _SHADOWING, _APART = 128.0, 37.0, 8.0, 2000.0
_ROWS = 5
_GPS = 1_400_000_000_000_000_000
_ALTITUDE, _DEVICE = 30.0, 1.5
# Degrees of latitude in a metre, and of longitude in the middle of the Netherlands.
_NORTH, _EAST = 1 / 111_268.0, 1 / 68_468.0
_LATITUDE, _LONGITUDE = 52.0907, 5.1214


class LocationResult(msgspec.Struct):
    """Of one way to locate by so many base stations: metres, how many of a hundred devices it gave no
    position for, how many errors lie within twice the radius that was reported, and solutions a second of
    processor time."""

    method: str
    baseStations: int
    devices: int
    medianError: float
    error90: float
    medianRadius: float
    withinTwoRadii: float
    unlocated: float
    perSecond: float


class CentroidResult(msgspec.Struct):
    """The mean of the base stations by received power, to compare with."""

    baseStations: int
    medianError: float


class LocationBench(msgspec.Struct):
    """What `veldnet bench location` prints."""

    surroundings: Surroundings
    located: list[LocationResult]
    centroids: list[CentroidResult]


class City:
    """Base stations on a grid, each a little off it, in metres east and north of the middle."""

    def __init__(self, seed: int, around: Surroundings) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - the same seed must give the same city
        half = (_ROWS - 1) / 2
        self._places = [
            ((i - half) * _APART + self._rng.gauss(0, 300), (j - half) * _APART + self._rng.gauss(0, 300))
            for i in range(_ROWS)
            for j in range(_ROWS)
        ]
        self.clocks = [FineClock(self._rng, _GPS, around) for _place in self._places]

    def frame(self, most: int) -> tuple[tuple[float, float], tuple[Hearing, ...]]:
        """Where a device is, and how the base stations that hear it best do so."""
        rng = self._rng
        device = rng.uniform(-2500, 2500), rng.uniform(-2500, 2500)
        heard = []
        for station, place in enumerate(self._places):
            away = _away(device, place)
            esp = 14 - (_LOSS + _SLOPE * log10(max(away, 20) / 1000) + rng.gauss(0, _SHADOWING))
            heard.append((esp, station, place, away))
        heard.sort(reverse=True)
        return device, tuple(
            Hearing(
                station,
                _LATITUDE + place[1] * _NORTH,
                _LONGITUDE + place[0] * _EAST,
                _ALTITUDE,
                esp,
                min(10.0, esp + 117),
                _stamp(self.clocks[station], away),
            )
            for esp, station, place, away in heard[:most]
        )


def _stamp(clock: FineClock, away: float) -> tuple[int, int]:
    stamp = clock.stamp(100.0, away / 1000)
    return stamp.second, stamp.nanosecond


def _away(a: tuple[float, float], b: tuple[float, float]) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (_ALTITUDE - _DEVICE) ** 2) ** 0.5)


def error_of(device: tuple[float, float], latitude: float, longitude: float) -> float:
    east, north = (longitude - _LONGITUDE) / _EAST, (latitude - _LATITUDE) / _NORTH
    return float(((device[0] - east) ** 2 + (device[1] - north) ** 2) ** 0.5)


def bench_location(devices: int, around: Surroundings) -> LocationBench:
    """Locate so many devices in as many cities, by three to eight base stations."""
    counts = (3, 4, 5, 6, 7, 8)
    located = [_located("TDOA", count, devices, around) for count in counts]
    located += [_located("RSSI", count, devices, around) for count in (1, 4, 8)]
    return LocationBench(around, located, [_centroid(count, devices, around) for count in (4, 8)])


def _located(
    method: Literal["TDOA", "RSSI"], count: int, devices: int, around: Surroundings
) -> LocationResult:
    errors, radii, within, taken = [], [], 0, 0.0
    for seed in range(devices):
        device, heard = City(seed, around).frame(count)
        problem = Problem(1000.0, heard, method, motion=Motion(0.0))
        began = time.process_time()
        fix = solve(problem).fix
        taken += time.process_time() - began
        if fix is not None:
            errors.append(error_of(device, fix.latitude, fix.longitude))
            radii.append(fix.radius)
            within += errors[-1] <= 2 * fix.radius
    return LocationResult(
        method,
        count,
        devices,
        round(median(errors)),
        round(quantiles(errors, n=10)[-1]),
        round(median(radii)),
        round(within / len(errors), 3),
        round(1 - len(errors) / devices, 3),
        round(devices / taken),
    )


def _centroid(count: int, devices: int, around: Surroundings) -> CentroidResult:
    errors = []
    for seed in range(devices):
        device, heard = City(seed, around).frame(count)
        weights = [10 ** ((each.esp or -150.0) / 20) for each in heard]
        total = sum(weights)
        latitude = sum(w * each.latitude for w, each in zip(weights, heard, strict=True)) / total
        longitude = sum(w * each.longitude for w, each in zip(weights, heard, strict=True)) / total
        errors.append(error_of(device, latitude, longitude))
    return CentroidResult(count, round(median(errors)))
