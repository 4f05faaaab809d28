"""Cells of a map: what lies close together is one mark, and nothing is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    CTE,
    Column,
    ColumnElement,
    Float,
    Label,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    select,
    true,
)

from veldnet.domain.health import HEALTH
from veldnet.store.expressions import float_total, total, whole
from veldnet.store.schema import devices

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


C = TypeVar("C", bound=Cell)


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
# How many, for as many cells as there are.
_STEP = case(*((func.count() <= MOST_CELLS * step**2, step) for step in _STEPS), else_=2 * _STEPS.stop)

# Runs a query for values; it is told whether cells may have to be merged.
Read = Callable[[bool, Mapping[str, Any]], Sequence[Any]]


def cells_of_places(
    read: Read, size: float, box: tuple[float, float, float, float], **values: Any
) -> Sequence[Any]:
    """Cells of `size` degrees within a box (south, west, north, east), or of more where there would be more
    than `MOST_CELLS`. `read` runs a query that `cells_query` has made, for `values` besides."""
    south, west, north, east = box
    values |= {"south": south, "west": west, "north": north, "east": east}
    if ((north - south) / size + 2) * ((east - west) / size + 2) <= MOST_CELLS:
        # So many there can be at most, with those that lie partly within.
        return read(False, values | {"size": size})
    while True:
        rows = read(True, values | {"size": size})
        if not rows or rows[0].cells <= MOST_CELLS:
            return rows
        size = larger(size * rows[0].step, rows[0].cells)


def within_box(latitude: Column[Any], longitude: Column[Any]) -> ColumnElement[bool]:
    """Whether a place is in the box that `cells_of_places` is given."""
    return and_(
        latitude.between(bindparam("south"), bindparam("north")),
        longitude.between(bindparam("west"), bindparam("east")),
    )


def cells_query(
    places: Select[Any], *summed: str, merging: bool, alone: Sequence[Column[Any]] = ()
) -> Select[Any]:
    """What `cells_of_places` runs. `places` have `latitude`, `longitude` and `ref`, of which each cell has
    the smallest, and what is `summed` of them. Of the device that is alone in a cell there are its name, EUI
    and state of health, and those of its columns in another table that are named."""
    fine = _fine(places, summed)
    cells = (_merged(fine, summed) if merging else _as_they_are(fine, summed)).subquery()
    known = cells.outerjoin(devices, and_(cells.c.devices == 1, devices.c.ref == cells.c.ref))
    if alone:
        table = alone[0].table
        known = known.outerjoin(table, and_(cells.c.devices == 1, table.c.device_ref == cells.c.ref))
    columns = (devices.c.name, devices.c.dev_eui, devices.c.health, *alone)
    return select(cells, *columns).select_from(known).order_by(cells.c.devices.desc())


def _fine(places: Select[Any], summed: Sequence[str]) -> CTE:
    """Cells of the size that is asked for. PostgreSQL, which cannot know how many there are, would sort all
    places for them if it saw how cells are computed; so it takes them for few and counts them in memory."""
    inner = places.subquery().c
    size = bindparam("size", type_=Float)
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


def _as_they_are(fine: CTE, summed: Sequence[str]) -> Select[Any]:
    columns = fine.c
    return (
        select(
            columns.devices,
            (columns.latitudes / cast(columns.devices, Float)).label("latitude"),
            (columns.longitudes / cast(columns.devices, Float)).label("longitude"),
            *(columns[name] for name in ("south", "west", "north", "east", "ref", *summed)),
        )
        .order_by(columns.devices.desc())
        .limit(MOST_CELLS)
    )


def _merged(fine: CTE, summed: Sequence[str]) -> Select[Any]:
    """Cells as they are, or so many rows and columns of them together that there may be few enough."""
    chosen = select(_STEP.label("step")).select_from(fine).cte("chosen")
    row, column = fine.c.cell // _COLUMNS, fine.c.cell % _COLUMNS
    larger_cell = (row // chosen.c.step * _COLUMNS + column // chosen.c.step).label("larger_cell")
    each = select(*fine.c, chosen.c.step, larger_cell).select_from(fine.join(chosen, true())).offset(0)
    columns = each.subquery().c
    count = total(columns.devices)
    shown: list[Any] = [
        count.label("devices"),
        (float_total(columns.latitudes) / cast(count, Float)).label("latitude"),
        (float_total(columns.longitudes) / cast(count, Float)).label("longitude"),
        func.min(columns.south).label("south"),
        func.min(columns.west).label("west"),
        func.max(columns.north).label("north"),
        func.max(columns.east).label("east"),
        func.min(columns.ref).label("ref"),
        *(total(columns[name]).label(name) for name in summed),
        func.min(columns.step).label("step"),
        func.count().over().label("cells"),
    ]
    return select(*shown).group_by(columns.larger_cell).order_by(count.desc()).limit(MOST_CELLS)


def cell_of(row: Any, kind: type[C], **others: Any) -> C:
    """What every row of `cells_of_places` has of its cell, and what a kind of cell has besides."""
    cell = kind(
        latitude=row.latitude,
        longitude=row.longitude,
        devices=row.devices,
        south=row.south,
        west=row.west,
        north=row.north,
        east=row.east,
        **others,
    )
    if row.devices == 1:
        cell.ref, cell.name, cell.EUI = str(row.ref), row.name, row.dev_eui
        cell.healthState = HEALTH[row.health]
    return cell
