"""Finding devices among many: by words, filters and order, a page at a time, and on a map.

Conditions and order are answered by indexes of `devices` alone; only the page itself is read whole.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Float, Integer, Select, cast, func, or_, select

from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.inventory.routing_profiles import lifecycle as routing
from veldnet.store.schema import (
    CELLS_A_DEGREE,
    alarms,
    connectivity_plans,
    device_cells,
    device_counts,
    device_profiles,
    devices,
)

from .lifecycle import HEALTH, Observed, configurations

Order = Literal["created", "-created", "name", "-name", "deviceEUI", "-deviceEUI"]
ORDERS: tuple[Order, ...] = ("created", "-created", "name", "-name", "deviceEUI", "-deviceEUI")
ALARM_LEVELS = {"ANY": 1, "WARNING": 3, "MINOR": 4, "MAJOR": 5, "CRITICAL": 6}
# Beyond this matches are no longer counted.
MOST_COUNTED = 10_000
_COLUMNS = {"created": devices.c.ref, "name": devices.c.name, "deviceEUI": devices.c.dev_eui}


class Wanted(msgspec.Struct, frozen=True):
    """Which devices: `text` is part of name or DevEUI, upper or lower case; `alarm` a name of ALARM_LEVELS,
    of alarms that nobody has acknowledged."""

    text: str | None = None
    health: str | None = None
    plan_id: str | None = None
    profile_id: str | None = None
    routing_profile_id: str | None = None
    alarm: str | None = None

    @property
    def all(self) -> bool:
        return self == Wanted(health=self.health)


class Found(msgspec.Struct):
    """A page of devices. `total` counts all matches; `more` tells that there are more than could be
    counted."""

    devices: list[Device]
    total: int
    more: bool


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def condition(connection: Connection, scope: Scope, wanted: Wanted) -> ColumnElement[bool]:
    """The devices as a condition on `devices`."""
    chosen = devices.c.subscriber_ref == scope.subscriber_ref
    if wanted.text:
        eui = wanted.text.upper().replace("-", "").replace(":", "")
        options = [devices.c.name.like(f"%{_escaped(wanted.text)}%", escape="\\")]
        if all(character in "0123456789ABCDEF" for character in eui):
            options.append(devices.c.dev_eui.like(f"%{eui}%"))
        chosen &= or_(*options)
    if wanted.health is not None:
        chosen &= devices.c.health == HEALTH.index(wanted.health)
    if wanted.plan_id is not None:
        plan = connection.execute(
            select(connectivity_plans.c.ref).where(
                connectivity_plans.c.operator_ref == scope.operator_ref,
                connectivity_plans.c.id == wanted.plan_id,
            )
        ).scalar()
        chosen &= devices.c.plan_ref == (-1 if plan is None else plan)
    if wanted.profile_id is not None:
        profile = connection.execute(
            select(device_profiles.c.ref).where(
                device_profiles.c.operator_ref == scope.operator_ref,
                device_profiles.c.id == wanted.profile_id,
            )
        ).scalar()
        chosen &= devices.c.profile_ref == (-1 if profile is None else profile)
    if wanted.routing_profile_id is not None:
        ref = routing.find_by_id(connection, scope, wanted.routing_profile_id)
        chosen &= devices.c.routing_profile_ref == (-1 if ref is None else ref)
    if wanted.alarm is not None:
        alarmed = select(alarms.c.device_ref).where(
            alarms.c.subscriber_ref == scope.subscriber_ref,
            alarms.c.acked.is_(False),
            alarms.c.state >= ALARM_LEVELS[wanted.alarm],
        )
        chosen &= devices.c.ref.in_(alarmed)
    return chosen


def _count(connection: Connection, scope: Scope, wanted: Wanted) -> int:
    """How many devices there are in all, or in a state of health."""
    query = select(func.coalesce(func.sum(device_counts.c.devices), 0)).where(
        device_counts.c.subscriber_ref == scope.subscriber_ref
    )
    if wanted.health is not None:
        query = query.where(device_counts.c.health == HEALTH.index(wanted.health))
    return int(connection.execute(query).scalar_one())


def search(
    connection: Connection,
    scope: Scope,
    wanted: Wanted,
    order: Order,
    page: int,
    size: int,
    observed: Observed,
) -> Found:
    """A page of what was found, the first is 1, with configuration and statistics of each device."""
    chosen = condition(connection, scope, wanted)
    column = _COLUMNS[order.removeprefix("-")]
    descending = order.startswith("-")
    query = select(devices.c.ref).where(chosen)
    if column is devices.c.name:
        # Names may be alike.
        query = query.order_by(
            column.desc() if descending else column,
            devices.c.dev_eui.desc() if descending else devices.c.dev_eui,
        )
    else:
        # Words are looked for in an index of names and EUIs; an order that another index has would lure the
        # store away to the rows themselves, one by one.
        by = column if wanted.text is None or column is devices.c.dev_eui else column + 0
        query = query.order_by(by.desc() if descending else by)
    if wanted.all:
        # The blocks tell how many there are.
        total = _count(connection, scope, wanted)
        refs = list(connection.execute(query.limit(size).offset((page - 1) * size)).scalars())
    else:
        # One look finds the page and how many there are, as far as they are counted.
        matches = list(connection.execute(query.limit(MOST_COUNTED + 1)).scalars())
        total, refs = len(matches), matches[:MOST_COUNTED][(page - 1) * size : page * size]
    listed = {str(device.ref): device for device in configurations(connection, refs, observed)}
    return Found(
        [listed[str(ref)] for ref in refs if str(ref) in listed],
        min(total, MOST_COUNTED) if not wanted.all else total,
        not wanted.all and total > MOST_COUNTED,
    )


def behind(
    connection: Connection, scope: Scope, wanted: Wanted, after: int, limit: int, observed: Observed
) -> list[Device]:
    """The next devices behind a ref, in the order of their refs."""
    chosen = condition(connection, scope, wanted) & (devices.c.ref > after)
    refs = connection.execute(select(devices.c.ref).where(chosen).order_by(devices.c.ref).limit(limit))
    return configurations(connection, list(refs.scalars()), observed)


class MapCell(msgspec.Struct):
    """Devices that lie close together: how many, where on average, and how many of them are not well."""

    latitude: float
    longitude: float
    devices: int
    unwell: int
    # Where there is only one.
    ref: str | None = None
    name: str | None = None
    EUI: str | None = None
    healthState: str | None = None


# So many marks a map can show. Where there would be more, cells are made larger: nothing is left out.
MOST_CELLS = 2000
# From this size on, in degrees, cells are put together of counted ones.
_COARSE = 0.04


def _larger(size: float, found: int) -> float:
    """A size of cells for which there may be few enough: places spread over an area merge with its square."""
    return size * max(2, math.ceil(math.sqrt(found / MOST_CELLS)))


def _coarse(
    connection: Connection, scope: Scope, box: tuple[float, float, float, float], size: float
) -> list[MapCell]:
    """Cells of a large part of the map, each in the middle of its devices as far as their count tells."""
    south, west, north, east = box
    columns = device_cells.c
    step = max(round(size * CELLS_A_DEGREE), 1)
    count = func.sum(columns.devices)
    query = select(
        count.label("devices"),
        (func.sum(columns.row * columns.devices) / cast(count, Float)).label("row"),
        (func.sum(columns.col * columns.devices) / cast(count, Float)).label("col"),
        func.sum(columns.devices).filter(columns.health == HEALTH.index("RF_CNX_ERROR")).label("unwell"),
        func.count().over().label("cells"),
    ).where(
        columns.subscriber_ref == scope.subscriber_ref,
        columns.devices > 0,
        columns.row.between(int((south + 90) * CELLS_A_DEGREE), int((north + 90) * CELLS_A_DEGREE)),
        columns.col.between(int((west + 180) * CELLS_A_DEGREE), int((east + 180) * CELLS_A_DEGREE)),
    )
    while True:
        # Rows and columns are counted from the south pole and the date line, so none is negative.
        merged = query.group_by(columns.row // step, columns.col // step)
        rows = connection.execute(merged.order_by(count.desc()).limit(MOST_CELLS)).all()
        if not rows or rows[0].cells <= MOST_CELLS:
            break
        step = math.ceil(_larger(step, rows[0].cells))
    return [
        MapCell(
            round((row.row + 0.5) / CELLS_A_DEGREE - 90, 5),
            round((row.col + 0.5) / CELLS_A_DEGREE - 180, 5),
            int(row.devices),
            int(row.unwell or 0),
        )
        for row in rows
    ]


def cells(
    connection: Connection,
    scope: Scope,
    wanted: Wanted,
    box: tuple[float, float, float, float],
    size: float,
) -> list[MapCell]:
    """Devices within a box (south, west, north, east) by cells of so many degrees, or of more where there
    would be more than `MOST_CELLS` of them: each device is in one cell."""
    if wanted == Wanted() and size >= _COARSE:
        return _coarse(connection, scope, box, size)
    south, west, north, east = box
    chosen = condition(connection, scope, wanted) & devices.c.latitude.between(south, north)
    chosen &= devices.c.longitude.between(west, east)
    unwell = func.sum(cast(devices.c.health == HEALTH.index("RF_CNX_ERROR"), Integer))
    query: Select[Any] = select(
        func.count().label("devices"),
        cast(func.avg(devices.c.latitude), Float).label("latitude"),
        cast(func.avg(devices.c.longitude), Float).label("longitude"),
        unwell.label("unwell"),
        func.min(devices.c.ref).label("ref"),
        func.count().over().label("cells"),
    ).where(chosen)
    while True:
        row = cast((devices.c.latitude + 90.0) / size, Integer)
        column = cast((devices.c.longitude + 180.0) / size, Integer)
        merged = query.group_by(row, column).order_by(func.count().desc()).limit(MOST_CELLS)
        rows = connection.execute(merged).all()
        if not rows or rows[0].cells <= MOST_CELLS:
            break
        size = _larger(size, rows[0].cells)
    found = [MapCell(r.latitude, r.longitude, r.devices, int(r.unwell or 0), str(r.ref)) for r in rows]
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
