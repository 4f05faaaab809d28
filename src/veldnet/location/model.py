"""What a solver is asked, and what it answers."""

from __future__ import annotations

from typing import Literal

import msgspec

Method = Literal["TDOA", "RSSI"]
Algorithm = Literal["TDOA", "RSSI", "BOTH"]

# Metres per nanosecond.
LIGHT = 0.299_792_458

# More base stations cost time and add nothing: the strongest count.
MOST_STATIONS = 16


class Hearing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How one base station heard the frame. Degrees, metres above the sea, dBm and dB; None where it is not
    known. `fine` is the GPS second and the nanoseconds within it, `clock` how many nanoseconds its time
    stamps are late and `gain` how many dB more than others it reports, as calibrated. The time stamp of a
    `doubted` one, whose clock was found to be wrong, is checked and not used."""

    station: int
    latitude: float
    longitude: float
    altitude: float | None = None
    esp: float | None = None
    snr: float | None = None
    fine: tuple[int, int] | None = None
    clock: float = 0.0
    gain: float = 0.0
    doubted: bool = False


class PathLoss(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Loss in dB: `at_km` at one kilometre, `slope` for each factor of ten of the distance, and how far
    single links are from that (`shadowing`, one sigma)."""

    at_km: float = 125.0
    slope: float = 35.0
    shadowing: float = 8.0


class Motion(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How fast a device may be, in m/s; 0 for one that stays where it is."""

    speed: float = 40.0


class Track(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of a device's movement at a time in Unix seconds: degrees, m/s, and the variances of a
    filter whose two axes are alike. `strange` counts fixes in a row that did not fit."""

    at: float
    latitude: float
    longitude: float
    north: float
    east: float
    position: float
    cross: float
    velocity: float
    strange: int = 0


class Limits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Assumptions about one fix: the timing error in metres that walls and reflections cause, and the height
    of devices above the ground."""

    timing: float = 75.0
    height: float = 1.5


class Problem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One frame of one device. `eirp` in dBm."""

    at: float
    heard: tuple[Hearing, ...]
    algorithm: Algorithm = "BOTH"
    eirp: float = 14.0
    motion: Motion = Motion()
    loss: PathLoss = PathLoss()
    limits: Limits = Limits()
    track: Track | None = None


class Fix(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A position in degrees. `radius` is one sigma in metres, `major` and `minor` the half axes of that
    ellipse with `azimuth` in degrees from north; `dilution` what the geometry makes of an error of one
    metre. `used` base stations agree; the time stamps of `excluded` ones do not fit."""

    method: Method
    latitude: float
    longitude: float
    altitude: float
    radius: float
    major: float
    minor: float
    azimuth: float
    dilution: float
    used: tuple[int, ...]
    excluded: tuple[int, ...] = ()
    north: float = 0.0
    east: float = 0.0


# Why there is no position.
Reason = Literal[
    "no_base_stations",
    "few_time_stamps",
    "colinear",
    "ambiguous",
    "inconsistent",
    "outside",
    "no_levels",
    "too_far",
    "unfiltered",
]


class Refusal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why the solver says nothing: `timing` of the arrival times, `power` of the received power, each None
    where that was not tried."""

    timing: Reason | None
    power: Reason | None = None


class Clocks(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a frame says of the clocks of base stations: those of `right` agree, four or more, those of
    `wrong` do not fit others, and one of `suspects` is wrong, while nothing tells which."""

    right: tuple[int, ...] = ()
    wrong: tuple[int, ...] = ()
    suspects: tuple[int, ...] = ()


class Answer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`fix` is what the track makes of `raw`, the position from this frame alone. `refusal` says why there is
    none, or why arrival times gave none where power did."""

    fix: Fix | None = None
    raw: Fix | None = None
    track: Track | None = None
    refusal: Refusal | None = None
    clocks: Clocks = Clocks()
