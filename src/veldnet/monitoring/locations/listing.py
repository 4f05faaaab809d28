"""Where a device is and has been, as the API shows it."""

from __future__ import annotations

from math import atan2, degrees, hypot
from typing import Literal

import msgspec
from sqlalchemy import Connection, select

from veldnet.domain.documents import decode_plan
from veldnet.domain.locations import METHODS, LocationState, Method, Reason, decode_location
from veldnet.domain.resources import timestamp
from veldnet.store import first_id_at
from veldnet.store.schema import connectivity_plans, device_states, devices, locations

Source = Literal["MANUAL", "NETWORK"]
# Places that statistics are made of at most.
_MOST_COUNTED = 10_000


class Velocity(msgspec.Struct, frozen=True):
    """m/s, and degrees from north."""

    speed: float
    direction: float


class Place(msgspec.Struct, frozen=True):
    """Where the network has located a device, with the members that ThingPark gives its locations and our
    own: `timestamp` in Unix milliseconds, degrees, metres, m/s. `hRadius` is one sigma; of the height
    nothing is known."""

    timestamp: int
    lat: float
    lon: float
    alt: float
    hRadius: float
    vRadius: float
    nVelocity: float
    eVelocity: float
    velocity: Velocity
    FCntUp: int
    id: str
    time: str
    method: Method
    dilution: float
    baseStations: int


class NoPlace(msgspec.Struct, frozen=True):
    """Why uplinks have given no place since a time."""

    reason: Reason
    since: str


class MethodPlaces(msgspec.Struct, frozen=True):
    """Places of a time range that one method found: how many, and the median of `hRadius` in metres."""

    method: Method
    count: int
    medianRadius: float


class DeviceLocations(msgspec.Struct, frozen=True):
    """`allowed` is whether the connectivity plan has the network locate the device, and `algorithm` how;
    `source` is whose position counts: MANUAL where people say where the device is. `locations` begins with
    the newest; where there are more, `next` goes into `before`. `methods` counts those of the time range,
    the newest 10,000 at most; it is empty in later parts."""

    allowed: bool
    algorithm: Literal["TDOA", "RSSI", "BOTH"] | None
    source: Source | None
    problem: NoPlace | None
    locations: list[Place]
    methods: list[MethodPlaces]
    next: str | None = None


def device_locations(
    connection: Connection, device_ref: int, begin: int, end: int, before: int | None, limit: int
) -> DeviceLocations:
    """Times in Unix milliseconds; `before` is the `next` of an earlier answer. Whose the device is, is the
    caller's to know."""
    row = connection.execute(
        select(
            devices.c.latitude,
            devices.c.longitude,
            device_states.c.network_location,
            connectivity_plans.c.settings,
        )
        .join(device_states, device_states.c.device_ref == devices.c.ref)
        .join(connectivity_plans, connectivity_plans.c.ref == devices.c.plan_ref, isouter=True)
        .where(devices.c.ref == device_ref)
    ).one()
    plan = None if row.settings is None else decode_plan(row.settings)
    allowed = plan is not None and plan.nwGeolocalization
    state = decode_location(row.network_location) or LocationState()
    places = _places(connection, device_ref, begin, end, before, limit + 1)
    return DeviceLocations(
        allowed,
        (plan.nwGeolocAlgo or "BOTH") if plan is not None and allowed else None,
        _source(row.latitude, row.longitude, state),
        NoPlace(state.problem, timestamp(round(state.problem_at * 1000))) if state.problem else None,
        places[:limit],
        [] if before is not None or not places else _methods(connection, device_ref, begin, end),
        places[limit - 1].id if len(places) > limit else None,
    )


def _source(latitude: float | None, longitude: float | None, state: LocationState) -> Source | None:
    if latitude is not None and longitude is not None:
        return "MANUAL"
    return None if state.last is None else "NETWORK"


def _methods(connection: Connection, device_ref: int, begin: int, end: int) -> list[MethodPlaces]:
    columns = locations.c
    rows = connection.execute(
        select(columns.used, columns.radius)
        .where(columns.device_ref == device_ref)
        .where(columns.id >= first_id_at(begin), columns.id < first_id_at(end))
        .order_by(columns.id.desc())
        .limit(_MOST_COUNTED)
    )
    # Needed for nothing else.
    from statistics import median

    radii: dict[Method, list[float]] = {}
    for used, radius in rows:
        radii.setdefault(METHODS.get(used, "RSSI"), []).append(radius)
    return [MethodPlaces(method, len(some), round(median(some), 1)) for method, some in sorted(radii.items())]


def _places(
    connection: Connection, device_ref: int, begin: int, end: int, before: int | None, limit: int
) -> list[Place]:
    columns = locations.c
    last = first_id_at(end) if before is None else min(before, first_id_at(end))
    rows = connection.execute(
        select(locations)
        .where(columns.device_ref == device_ref, columns.id >= first_id_at(begin), columns.id < last)
        .order_by(columns.id.desc())
        .limit(limit)
    )
    return [
        Place(
            row.at,
            row.latitude,
            row.longitude,
            row.altitude,
            round(row.radius, 1),
            0.0,
            row.north,
            row.east,
            Velocity(round(hypot(row.north, row.east), 2), round(degrees(atan2(row.east, row.north)) % 360)),
            row.fcnt,
            str(row.id),
            timestamp(row.at),
            METHODS.get(row.used, "RSSI"),
            row.dilution,
            row.base_stations,
        )
        for row in rows
    ]
