"""Cells of a map: what lies close together is one mark, and nothing is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Label, RowMapping, Select, func

from veldnet.store.expressions import whole

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


def cells_of_places(
    connection: Connection,
    query: Select[Any],
    latitude: ColumnElement[float],
    longitude: ColumnElement[float],
    size: float,
) -> Sequence[RowMapping]:
    """Rows of `query` by cells of `size` degrees, or of more where there would be more than `MOST_CELLS`."""
    query = query.add_columns(func.count().over().label("cells"))
    while True:
        row, column = whole((latitude + 90.0) / size), whole((longitude + 180.0) / size)
        merged = query.group_by(row, column).order_by(func.count().desc()).limit(MOST_CELLS)
        rows = connection.execute(merged).mappings().all()
        if not rows or rows[0]["cells"] <= MOST_CELLS:
            return rows
        size = larger(size, rows[0]["cells"])


def members(row: RowMapping) -> dict[str, Any]:
    """What every row of `cells_of_places` has of its cell."""
    return {name: row[name] for name in _MEMBERS}
