"""Settings of network location."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .values import Duration, about


class LocationSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Locating devices whose connectivity plan asks for it."""

    processes: Annotated[
        int,
        about(
            "Processes that solve positions, started when needed; 0 solves in the server.",
            ge=0,
            le=64,
        ),
    ] = 1
    interval: Annotated[Duration, about("Shortest time between two positions of a device.")] = Duration(10)
    queue: Annotated[
        int, about("Uplinks that wait for a solver at most; more are not located.", ge=1, le=1_000_000)
    ] = 1000
    timing_error: Annotated[
        float,
        about(
            "Error of arrival times in metres that surroundings cause: 30 in open country, 75 in towns, 150 "
            "between high buildings.",
            ge=5,
            le=1000,
        ),
    ] = 75.0
    reference_devices: Annotated[
        tuple[str, ...],
        about(
            "DevEUIs of devices whose manual location is exact and outdoors; their uplinks calibrate base "
            "stations."
        ),
    ] = ()
