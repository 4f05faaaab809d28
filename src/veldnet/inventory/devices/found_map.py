"""Devices on a map where the network has located them last, grouped in cells when close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.store import Prepared, plan_each_time
from veldnet.store.schema import devices, found_places

from .cells import Cell, cell_of, cells_of_places, cells_query, within_box
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
    values: dict[str, Any] = {"subscriber": scope.subscriber_ref}
    if wanted == Wanted():

        def read(merging: bool, values: Mapping[str, Any]) -> Sequence[Any]:
            return _of_all(merging).rows(connection, values)
    else:
        some = _PLACES.join(devices, devices.c.ref == found_places.c.device_ref)
        some = some.where(condition(connection, scope, wanted))

        def read(merging: bool, values: Mapping[str, Any]) -> Sequence[Any]:
            query = cells_query(some, merging=merging, alone=_ALONE)
            return connection.execute(query, values).all()

    return [_cell(row) for row in cells_of_places(read, size, box, **values)]


_PLACES: Select[Any] = select(
    found_places.c.latitude, found_places.c.longitude, found_places.c.device_ref.label("ref")
).where(
    found_places.c.subscriber_ref == bindparam("subscriber"),
    within_box(found_places.c.latitude, found_places.c.longitude),
)
_ALONE = (found_places.c.at, found_places.c.radius)


@cache
def _of_all(merging: bool) -> Prepared:
    return Prepared(cells_query(_PLACES, merging=merging, alone=_ALONE))


def _cell(row: Any) -> FoundCell:
    cell = cell_of(row, FoundCell)
    if cell.ref is not None:
        cell.time, cell.hRadius = timestamp(row.at), round(row.radius, 1)
    return cell
