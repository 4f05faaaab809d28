"""Devices on a map where the network has located them last, grouped in cells when close."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from veldnet.domain.health import HEALTH
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.store import plan_each_time
from veldnet.store.schema import devices, found_places

from .cells import Cell, cells_of_places, members
from .search import Wanted, condition


class FoundCell(Cell, kw_only=True):
    """Where there is only one, with when it was located; `hRadius` is one sigma in metres."""

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
    query: Select[Any] = select(places.latitude, places.longitude, places.device_ref.label("ref")).where(
        places.subscriber_ref == scope.subscriber_ref,
        places.latitude.between(south, north),
        places.longitude.between(west, east),
    )
    if not wanted.all:
        query = query.join(devices, devices.c.ref == places.device_ref)
        query = query.where(condition(connection, scope, wanted))
    found = [
        FoundCell(
            **members(row),
            ref=str(row["ref"]) if row["devices"] == 1 else None,
        )
        for row in cells_of_places(connection, query, size)
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
