"""Cells of a map: what lies close together is one mark, and nothing is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Float,
    Label,
    RowMapping,
    Select,
    case,
    cast,
    func,
    select,
    true,
)

from veldnet.store.expressions import float_total, total, whole

_MEMBERS = ("latitude", "longitude", "devices", "south", "west", "north", "east")
# So many marks a map can show. Where there would be more, cells are made larger: nothing is left out.
MOST_CELLS = 2000


class Cell(msgspec.Struct, kw_only=True):
    """Devices that lie close together: how many, and where on average."""

    latitude: float
    longitude: float
    devices: int
    # All of them are within.
    south: float
    west: float
    north: float
    east: float
    # Where there is only one.
    ref: str | None = None
    name: str | None = None
    EUI: str | None = None
    healthState: str | None = None


def larger(size: float, found: int) -> float:
    """A size of cells for which there may be few enough: places spread over an area merge with its square."""
    return size * max(2, math.ceil(math.sqrt(found / MOST_CELLS)))


def edges(north: ColumnElement[Any], east: ColumnElement[Any]) -> list[Label[Any]]:
    return [
        func.min(north).label("south"),
        func.min(east).label("west"),
        func.max(north).label("north"),
        func.max(east).label("east"),
    ]


# Row and column of a cell are one number: there are fewer columns, however small cells are asked for.
_COLUMNS = 10**9
# So many rows and columns of cells are put together at once.
_STEPS = range(1, 33)


def cells_of_places(
    connection: Connection, places: Select[Any], size: float, *summed: str
) -> Sequence[RowMapping]:
    """Cells of `size` degrees, or of more where there would be more than `MOST_CELLS`. `places` have
    `latitude`, `longitude` and `ref`, of which each cell has the smallest, and what is `summed` of them."""
    while True:
        rows = connection.execute(_merged(_fine(places, size, summed), summed)).mappings().all()
        if not rows or rows[0]["cells"] <= MOST_CELLS:
            return rows
        size = larger(size * rows[0]["step"], rows[0]["cells"])


def _fine(places: Select[Any], size: float, summed: Sequence[str]) -> CTE:
    """Cells of `size` degrees. PostgreSQL, which cannot know how many there are, would sort all places for
    them if it saw how cells are computed; so it takes them for few and counts them in memory."""
    inner = places.subquery().c
    row, column = whole((inner.latitude + 90.0) / size), whole((inner.longitude + 180.0) / size)
    chosen = [inner[name] for name in ("latitude", "longitude", "ref", *summed)]
    each = select(*chosen, (row * _COLUMNS + column).label("cell")).offset(0).subquery().c
    return (
        select(
            each.cell,
            func.count().label("devices"),
            float_total(each.latitude).label("latitudes"),
            float_total(each.longitude).label("longitudes"),
            *edges(each.latitude, each.longitude),
            func.min(each.ref).label("ref"),
            *(total(each[name]).label(name) for name in summed),
        )
        .group_by(each.cell)
        .cte("fine")
    )


def _merged(fine: CTE, summed: Sequence[str]) -> Select[Any]:
    """Cells as they are, or so many rows and columns of them together that there may be few enough."""
    few = ((func.count() <= MOST_CELLS * step**2, step) for step in _STEPS)
    step = case(*few, else_=2 * _STEPS.stop)
    chosen = select(step.label("step")).select_from(fine).cte("chosen")
    row, column = fine.c.cell // _COLUMNS, fine.c.cell % _COLUMNS
    larger_cell = (row // chosen.c.step * _COLUMNS + column // chosen.c.step).label("larger_cell")
    each = select(*fine.c, chosen.c.step, larger_cell).select_from(fine.join(chosen, true())).offset(0)
    columns = each.subquery().c
    devices = total(columns.devices)
    shown: list[Any] = [
        devices.label("devices"),
        (float_total(columns.latitudes) / cast(devices, Float)).label("latitude"),
        (float_total(columns.longitudes) / cast(devices, Float)).label("longitude"),
        func.min(columns.south).label("south"),
        func.min(columns.west).label("west"),
        func.max(columns.north).label("north"),
        func.max(columns.east).label("east"),
        func.min(columns.ref).label("ref"),
        *(total(columns[name]).label(name) for name in summed),
        func.min(columns.step).label("step"),
        func.count().over().label("cells"),
    ]
    return select(*shown).group_by(columns.larger_cell).order_by(devices.desc()).limit(MOST_CELLS)


def members(row: RowMapping) -> dict[str, Any]:
    """What every row of `cells_of_places` has of its cell."""
    return {name: row[name] for name in _MEMBERS}
