"""Where the network has located a device."""

from __future__ import annotations

from typing import Literal

import msgspec

Method = Literal["TDOA", "RSSI"]

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

# ThingPark's numbers of algorithms; both: by time where that works, else by power.
TDOA, RSSI, BOTH = 0, 1, 2
METHODS: dict[int, Method] = {TDOA: "TDOA", RSSI: "RSSI"}


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A solution: degrees, metres, m/s. `at` is when the uplink with counter `fcnt` came, `requested` and
    `used` are numbers of algorithms."""

    at: float
    latitude: float
    longitude: float
    altitude: float
    radius: float
    dilution: float
    north: float
    east: float
    requested: int
    used: int
    fcnt: int
    base_stations: int


class NetworkLocation(Place, frozen=True, array_like=True, gc=False):
    """A solution at a time in Unix seconds. The half axes `major` and `minor` of the ellipse of one sigma
    lie `azimuth` degrees from north."""

    major: float = 0.0
    minor: float = 0.0
    azimuth: float = 0.0


class LocationState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last solution of a device, and why the uplinks since `problem_at` (Unix seconds) have given
    none. `sides` is where it is of each area that watches it (see `geofences`)."""

    last: NetworkLocation | None = None
    problem: Reason | None = None
    problem_at: float = 0.0
    sides: dict[int, int] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LocationState).decode


def encode_location(state: LocationState) -> bytes:
    return _encode(state)


def decode_location(octets: bytes | None) -> LocationState | None:
    """None where a device was never located, or by a version that wrote something else."""
    if octets is None:
        return None
    try:
        return _decode(octets)
    except msgspec.DecodeError:
        return None
