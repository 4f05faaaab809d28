"""Devices on a map, grouped in cells when close."""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import Connection, Float, Select, case, cast, func, select

from veldnet.domain.health import HEALTH
from veldnet.domain.scope import Scope
from veldnet.store import plan_each_time
from veldnet.store.expressions import total
from veldnet.store.schema import AREAS_A_DEGREE, CELLS_A_DEGREE, device_areas, device_cells, devices

from .cells import MOST_CELLS, Cell, cells_of_places, edges, larger, members
from .search import ALARM_LEVELS, Wanted, condition, references


class MapCell(Cell, kw_only=True):
    """With how many of them are not well."""

    disconnected: int


# So few that a map of all of them, however large, is made of the devices themselves.
_FEW = 2000
# From this size on, in degrees, cells are put together of counted ones; from `_LARGE` on of counted areas.
_COARSE, _LARGE = 0.02, 0.2


def _coarse(
    connection: Connection,
    scope: Scope,
    wanted: Wanted,
    box: tuple[float, float, float, float],
    size: float,
) -> list[MapCell]:
    """Cells of a large part of the map, each in the middle of its devices as far as their count tells."""
    south, west, north, east = box
    if size < _LARGE:
        columns, a_degree = device_cells.c, CELLS_A_DEGREE
        step = max(round(size * a_degree), 1)
    else:
        # Rather a little larger than asked for: marks must not lie on each other.
        columns, a_degree = device_areas.c, AREAS_A_DEGREE
        step = math.ceil(round(size * a_degree, 6))
    count = total(columns.devices)
    query = select(
        count.label("devices"),
        (total(columns.row * columns.devices) / cast(count, Float)).label("row"),
        (total(columns.col * columns.devices) / cast(count, Float)).label("col"),
        total(case((columns.health == HEALTH.index("RF_CNX_ERROR"), columns.devices), else_=0)).label(
            "disconnected"
        ),
        *edges(columns.row, columns.col),
        func.count().over().label("cells"),
    ).where(
        columns.subscriber_ref == scope.subscriber_ref,
        columns.row.between(int((south + 90) * a_degree), int((north + 90) * a_degree)),
        columns.col.between(int((west + 180) * a_degree), int((east + 180) * a_degree)),
    )
    for column, value in references(connection, scope, wanted):
        query = query.where(columns[column.name] == value)
    if wanted.alarm is not None:
        query = query.where(columns.alarm >= ALARM_LEVELS[wanted.alarm])
    while True:
        # Rows and columns are counted from the south pole and the date line, so none is negative.
        merged = query.group_by(columns.row // step, columns.col // step).having(count > 0)
        rows = connection.execute(merged.order_by(count.desc()).limit(MOST_CELLS)).all()
        if not rows or rows[0].cells <= MOST_CELLS:
            break
        step = math.ceil(larger(step, rows[0].cells))
    return [
        MapCell(
            latitude=round((row.row + 0.5) / a_degree - 90, 5),
            longitude=round((row.col + 0.5) / a_degree - 180, 5),
            devices=row.devices,
            disconnected=row.disconnected,
            south=round(row.south / a_degree - 90, 5),
            west=round(row.west / a_degree - 180, 5),
            north=round((row.north + 1) / a_degree - 90, 5),
            east=round((row.east + 1) / a_degree - 180, 5),
        )
        for row in rows
    ]


def map_cells(
    connection: Connection,
    scope: Scope,
    wanted: Wanted,
    box: tuple[float, float, float, float],
    size: float,
) -> list[MapCell]:
    """Devices within a box (south, west, north, east) by cells of so many degrees, or of more where there
    would be more than `MOST_CELLS` of them: each device is in one cell."""
    plan_each_time(connection)
    if size >= _COARSE and wanted.counted:
        counted = _coarse(connection, scope, wanted, box, size)
        if sum(cell.devices for cell in counted) > _FEW:
            return counted
    south, west, north, east = box
    chosen = condition(connection, scope, wanted) & devices.c.latitude.between(south, north)
    chosen &= devices.c.longitude.between(west, east)
    disconnected = case((devices.c.health == HEALTH.index("RF_CNX_ERROR"), 1), else_=0)
    query: Select[Any] = select(
        devices.c.latitude, devices.c.longitude, devices.c.ref, disconnected.label("disconnected")
    ).where(chosen)
    found = [
        MapCell(
            **members(row),
            ref=str(row["ref"]),
            disconnected=row["disconnected"],
        )
        for row in cells_of_places(connection, query, size, "disconnected")
    ]
    alone = [int(str(cell.ref)) for cell in found if cell.devices == 1]
    names = {
        str(r.ref): r
        for r in connection.execute(
            select(devices.c.ref, devices.c.name, devices.c.dev_eui, devices.c.health).where(
                devices.c.ref.in_(alone)
            )
        )
    }
    for cell in found:
        known = names.get(str(cell.ref)) if cell.devices == 1 else None
        if known is None:
            cell.ref = None
        else:
            cell.name, cell.EUI, cell.healthState = known.name, known.dev_eui, HEALTH[known.health]
    return found
