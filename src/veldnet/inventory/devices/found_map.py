"""Devices on a map where the network has located them last, grouped in cells when close."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Float, Select, cast, func, select

from veldnet.domain.health import HEALTH
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.store import plan_each_time
from veldnet.store.expressions import whole
from veldnet.store.schema import devices, found_places

from .map import MOST_CELLS, edges, larger
from .search import Wanted, condition


class FoundCell(msgspec.Struct):
    """Devices that the network has located close together: how many, and where on average."""

    latitude: float
    longitude: float
    devices: int
    # All of them are within.
    south: float
    west: float
    north: float
    east: float
    # Where there is only one; `hRadius` is one sigma in metres.
    ref: str | None = None
    name: str | None = None
    EUI: str | None = None
    healthState: str | None = None
    time: str | None = None
    hRadius: float | None = None


def found_cells(
    connection: Connection,
    scope: Scope,
    wanted: Wanted,
    box: tuple[float, float, float, float],
    size: float,
) -> list[FoundCell]:
    """As `map_cells`, of last places."""
    plan_each_time(connection)
    south, west, north, east = box
    places = found_places.c
    query: Select[Any] = select(
        func.count().label("devices"),
        cast(func.avg(places.latitude), Float).label("latitude"),
        cast(func.avg(places.longitude), Float).label("longitude"),
        *edges(places.latitude, places.longitude),
        func.min(places.device_ref).label("ref"),
        func.count().over().label("cells"),
    ).where(
        places.subscriber_ref == scope.subscriber_ref,
        places.latitude.between(south, north),
        places.longitude.between(west, east),
    )
    if not wanted.all:
        query = query.join(devices, devices.c.ref == places.device_ref)
        query = query.where(condition(connection, scope, wanted))
    while True:
        row = whole((places.latitude + 90.0) / size)
        column = whole((places.longitude + 180.0) / size)
        merged = query.group_by(row, column).order_by(func.count().desc()).limit(MOST_CELLS)
        rows = connection.execute(merged).all()
        if not rows or rows[0].cells <= MOST_CELLS:
            break
        size = larger(size, rows[0].cells)
    found = [
        FoundCell(
            *(r.latitude, r.longitude, r.devices),
            *(r.south, r.west, r.north, r.east),
            ref=str(r.ref) if r.devices == 1 else None,
        )
        for r in rows
    ]
    _name(connection, [cell for cell in found if cell.ref is not None])
    return found


def _name(connection: Connection, alone: list[FoundCell]) -> None:
    """What is known of devices that are alone in a cell."""
    known = {
        str(row.ref): row
        for row in connection.execute(
            select(
                devices.c.ref,
                devices.c.name,
                devices.c.dev_eui,
                devices.c.health,
                found_places.c.at,
                found_places.c.radius,
            )
            .join(found_places, found_places.c.device_ref == devices.c.ref)
            .where(devices.c.ref.in_([int(str(cell.ref)) for cell in alone]))
        )
    }
    for cell in alone:
        row = known[str(cell.ref)]
        cell.name, cell.EUI, cell.healthState = row.name, row.dev_eui, HEALTH[row.health]
        cell.time, cell.hRadius = timestamp(row.at), round(row.radius, 1)
