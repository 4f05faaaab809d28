"""Devices on a map, grouped in cells when close."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Select,
    bindparam,
    case,
    cast,
    func,
    select,
)

from veldnet.domain.health import HEALTH
from veldnet.domain.scope import Scope
from veldnet.store import Prepared, plan_each_time
from veldnet.store.expressions import total
from veldnet.store.schema import AREAS_A_DEGREE, CELLS_A_DEGREE, device_areas, device_cells, devices

from .cells import (
    MOST_CELLS,
    Cell,
    cell_of,
    cells_of_places,
    cells_query,
    edges,
    larger,
    within_box,
)
from .search import ALARM_LEVELS, Wanted, condition, references


class MapCell(Cell, kw_only=True):
    """With how many of them are not well."""

    disconnected: int


# So few that a map of all of them, however large, is made of the devices themselves.
_FEW = 2000
# From this size on, in degrees, cells are put together of counted ones; from `_LARGE` on of counted areas.
_COARSE, _LARGE = 0.02, 0.2


@cache
def _counted_cells(large: bool, *wanted: str) -> Prepared:
    """Cells put together of counted areas where they are `large`, else of counted cells, and only of what has
    the values that are wanted of some columns."""
    columns = (device_areas if large else device_cells).c
    step = bindparam("step", type_=BigInteger)
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
        columns.subscriber_ref == bindparam("subscriber"),
        columns.row.between(bindparam("south"), bindparam("north")),
        columns.col.between(bindparam("west"), bindparam("east")),
    )
    for name in wanted:
        value: ColumnElement[Any] = bindparam(name)
        query = query.where(columns[name] >= value if name == "alarm" else columns[name] == value)
    # Rows and columns are counted from the south pole and the date line, so none is negative.
    merged = query.group_by(columns.row // step, columns.col // step).having(count > 0)
    return Prepared(merged.order_by(count.desc()).limit(MOST_CELLS))


def _coarse(
    connection: Connection,
    scope: Scope,
    wanted: Wanted,
    box: tuple[float, float, float, float],
    size: float,
) -> list[MapCell]:
    """Cells of a large part of the map, each in the middle of its devices as far as their count tells."""
    south, west, north, east = box
    large = size >= _LARGE
    if large:
        # Rather a little larger than asked for: marks must not lie on each other.
        a_degree = AREAS_A_DEGREE
        step = math.ceil(round(size * a_degree, 6))
    else:
        a_degree = CELLS_A_DEGREE
        step = max(round(size * a_degree), 1)
    chosen = {column.name: value for column, value in references(connection, scope, wanted)}
    if wanted.alarm is not None:
        chosen["alarm"] = ALARM_LEVELS[wanted.alarm]
    values = chosen | {
        "subscriber": scope.subscriber_ref,
        "south": int((south + 90) * a_degree),
        "north": int((north + 90) * a_degree),
        "west": int((west + 180) * a_degree),
        "east": int((east + 180) * a_degree),
    }
    query = _counted_cells(large, *chosen)
    while True:
        rows = query.rows(connection, values | {"step": step})
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


def _cells_of_devices(merging: bool, chosen: ColumnElement[bool]) -> Select[Any]:
    disconnected = case((devices.c.health == HEALTH.index("RF_CNX_ERROR"), 1), else_=0)
    places: Select[Any] = select(
        devices.c.latitude, devices.c.longitude, devices.c.ref, disconnected.label("disconnected")
    ).where(chosen, within_box(devices.c.latitude, devices.c.longitude))
    return cells_query(places, "disconnected", merging=merging)


@cache
def _cells_of_all(merging: bool) -> Prepared:
    return Prepared(_cells_of_devices(merging, devices.c.subscriber_ref == bindparam("subscriber")))


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
    values: dict[str, Any] = {}
    if wanted == Wanted():
        values["subscriber"] = scope.subscriber_ref

        def read(merging: bool, values: Mapping[str, Any]) -> Sequence[Any]:
            return _cells_of_all(merging).rows(connection, values)
    else:
        chosen = condition(connection, scope, wanted)

        def read(merging: bool, values: Mapping[str, Any]) -> Sequence[Any]:
            return connection.execute(_cells_of_devices(merging, chosen), values).all()

    return [
        cell_of(row, MapCell, disconnected=row.disconnected)
        for row in cells_of_places(read, size, box, **values)
    ]
