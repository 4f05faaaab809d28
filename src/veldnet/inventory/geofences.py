"""Areas of a subscriber, and the devices that they watch."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.alarm_levels import Level
from veldnet.domain.errors import BadRequest, InvalidField, MissingField, NotFound
from veldnet.domain.geofences import (
    Circle,
    Corner,
    Geofence,
    Shape,
    Watched,
    crosses_itself,
    extent,
    surface,
)
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.names import check_name
from veldnet.store import lock_row, moment, readable
from veldnet.store.geofences import encode_shape, geofence_of
from veldnet.store.schema import alarms, device_states, geofences, subscribers

from .changes import note
from .rows import inserted_ref, ref_of

MOST = 50
MOST_CORNERS = 100
# Metres: positions are never more certain than the least, and nothing crosses more than the most.
_LEAST_RADIUS, _MOST_RADIUS, _MOST_ACROSS, _LEAST_SURFACE = 10.0, 500_000.0, 1_000_000.0, 300.0
_FARTHEST_NORTH = 85.0
# Alarms of borders, see `monitoring.alarms.types`.
_ALARMS = (207, 208)
# Milliseconds until alarms of an area that is gone end: all nodes know of it by then.
_KNOWN_EVERYWHERE = 30_000

GeofenceLevel = Literal["WARNING", "MINOR", "MAJOR", "CRITICAL"]
_LEVELS: dict[int, GeofenceLevel] = {3: "WARNING", 4: "MINOR", 5: "MAJOR", 6: "CRITICAL"}


class GeofenceView(msgspec.Struct, frozen=True):
    """An area: either a `circle` (degrees, metres) or a `polygon` whose last corner is joined to its first.
    Devices that enter it, leave it or both raise an alarm of that `level`: all devices, or with `tag` those
    that have it. `problem` says why it cannot be read: then it has no border, and is not watched."""

    ref: str
    name: str
    alarm: Watched
    level: GeofenceLevel
    tag: str | None
    circle: Circle | None
    polygon: list[Corner] | None
    lastUpdateTime: str
    lastUpdateUser: str
    problem: str | None = None


class GeofenceBody(msgspec.Struct, frozen=True, kw_only=True):
    """What is written of an area. `null` for `tag` makes it watch all devices; a new `circle` replaces a
    polygon and a new `polygon` a circle."""

    name: str | UnsetType = UNSET
    alarm: Watched | UnsetType = UNSET
    level: GeofenceLevel | UnsetType = UNSET
    tag: str | UnsetType | None = UNSET
    circle: Circle | UnsetType | None = UNSET
    polygon: Annotated[list[Corner], Meta(max_length=1000)] | UnsetType | None = UNSET


def list_geofences(connection: Connection, scope: Scope, ref: str | None = None) -> list[GeofenceView]:
    """The subscriber's areas by name, or one of them."""
    query = select(geofences).where(geofences.c.subscriber_ref == scope.subscriber_ref)
    if ref is not None:
        query = query.where(geofences.c.ref == ref_of(ref))
    rows = connection.execute(query.order_by(geofences.c.name, geofences.c.ref))
    return list(
        readable(
            "geofence", rows, lambda row: _view(geofence_of(row), row.updated_at, row.updated_by), _damaged
        )
    )


def get_geofence(connection: Connection, scope: Scope, ref: str) -> GeofenceView:
    """Raises `NotFound`."""
    found = list_geofences(connection, scope, ref)
    if not found:
        raise NotFound("Geofence", ref)
    return found[0]


def _view(known: Geofence, updated_at: int, updated_by: str) -> GeofenceView:
    return GeofenceView(
        str(known.ref),
        known.name,
        known.watched,
        _LEVELS[known.level],
        known.tag,
        known.shape.circle,
        list(known.shape.polygon) or None,
        timestamp(updated_at),
        updated_by,
    )


def _damaged(row: Any, problem: str) -> GeofenceView:
    level, moment = _LEVELS.get(row.level, "WARNING"), timestamp(row.updated_at)
    ref, name, by = str(row.ref), row.name, row.updated_by
    return GeofenceView(ref, name, row.watched, level, row.tag, None, None, moment, by, problem)


def create_geofence(connection: Connection, scope: Scope, body: GeofenceBody) -> GeofenceView:
    """Raises `MissingField`, `InvalidField`, and `BadRequest` where there are too many."""
    values = _checked(body)
    if "name" not in values or "shape" not in values:
        raise MissingField("name and either circle or polygon are mandatory")
    now = moment(connection)
    lock_row(connection, subscribers, scope.subscriber_ref)
    own = geofences.c.subscriber_ref == scope.subscriber_ref
    if connection.execute(select(func.count()).select_from(geofences).where(own)).scalar_one() >= MOST:
        raise BadRequest("a subscriber may have {most} areas; delete one that is not used", most=MOST)
    row = {"watched": "BOTH", "level": int(Level.WARNING), "tag": None} | values
    row |= {"subscriber_ref": scope.subscriber_ref, "drawn_at": now} | _written(scope, now)
    ref = inserted_ref(connection.execute(insert(geofences).values(row)))
    note(connection, "geofences", scope.subscriber_ref)
    return get_geofence(connection, scope, str(ref))


def update_geofence(connection: Connection, scope: Scope, ref: str, body: GeofenceBody) -> GeofenceView:
    """Raises `NotFound` and `InvalidField`."""
    known = get_geofence(connection, scope, ref)
    values, now = _checked(body), moment(connection)
    if known.problem is not None and "shape" not in values:
        raise MissingField("circle or polygon is mandatory: the border of the area cannot be read")
    if "shape" in values:
        # Where devices were says nothing of the new border.
        values["drawn_at"] = now
    connection.execute(
        update(geofences).where(geofences.c.ref == ref_of(ref)).values(**values, **_written(scope, now))
    )
    note(connection, "geofences", scope.subscriber_ref)
    return get_geofence(connection, scope, ref)


def delete_geofence(connection: Connection, scope: Scope, ref: str) -> None:
    """Its alarms end within a minute. Raises `NotFound`."""
    get_geofence(connection, scope, ref)
    connection.execute(delete(geofences).where(geofences.c.ref == ref_of(ref)))
    _look_again(connection, scope, ref, moment(connection))
    note(connection, "geofences", scope.subscriber_ref)


def _look_again(connection: Connection, scope: Scope, ref: str, now: int) -> None:
    """Have devices with an alarm of the area looked at, as there is no such area any more."""
    raised = select(alarms.c.device_ref).where(
        alarms.c.subscriber_ref == scope.subscriber_ref,
        alarms.c.type.in_(_ALARMS),
        alarms.c.object == ref,
        alarms.c.state > int(Level.CLEARED),
    )
    connection.execute(
        update(device_states)
        .where(device_states.c.device_ref.in_(raised))
        .values(check_at=now + _KNOWN_EVERYWHERE)
    )


def _written(scope: Scope, now: int) -> dict[str, Any]:
    return {"updated_at": now, "updated_by": scope.display_name}


def _checked(body: GeofenceBody) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if body.name is not UNSET:
        values["name"] = check_name(body.name, most=100)
    if body.alarm is not UNSET:
        values["watched"] = body.alarm
    if body.level is not UNSET:
        values["level"] = int(Level[body.level])
    if body.tag is not UNSET:
        values["tag"] = None if body.tag is None else check_name(body.tag, what="tag", most=50)
    circle = None if body.circle is UNSET else body.circle
    polygon = None if body.polygon is UNSET else body.polygon
    if circle is not None and polygon is not None:
        raise InvalidField("an area has either circle or polygon, not both")
    if circle is not None:
        values["shape"] = encode_shape(Shape(_checked_circle(circle)))
    elif polygon is not None:
        values["shape"] = encode_shape(Shape(polygon=_checked_polygon(polygon)))
    return values


def _check_place(latitude: float, longitude: float, what: str) -> None:
    good = isfinite(latitude) and isfinite(longitude)
    if not good or abs(latitude) > _FARTHEST_NORTH or abs(longitude) > 180:
        raise InvalidField("{what}: latitude is -85 to 85, longitude -180 to 180 degrees", what=what)


def _checked_circle(circle: Circle) -> Circle:
    _check_place(circle.latitude, circle.longitude, "circle")
    if not _LEAST_RADIUS <= circle.radius <= _MOST_RADIUS:
        raise InvalidField("circle: radius is 10 to 500000 metres")
    return circle


def _checked_polygon(polygon: list[Corner]) -> tuple[Corner, ...]:
    corners = tuple(polygon)
    if len(corners) > 1 and corners[0] == corners[-1]:
        # As GeoJSON closes a ring.
        corners = corners[:-1]
    if not 3 <= len(corners) <= MOST_CORNERS:
        raise InvalidField(
            "polygon: {count} corners; there are 3 to {most}", count=len(corners), most=MOST_CORNERS
        )
    for number, corner in enumerate(corners, 1):
        _check_place(corner.latitude, corner.longitude, f"polygon, corner {number}")
    if len(set(corners)) < len(corners):
        raise InvalidField("polygon: a corner is there twice")
    if max(extent(corners)) > _MOST_ACROSS:
        raise InvalidField("polygon: more than 1000 km across; draw a smaller one")
    if crosses_itself(corners):
        raise InvalidField("polygon: its edges cross; give the corners in their order along the border")
    if surface(corners) < _LEAST_SURFACE:
        raise InvalidField("polygon: smaller than 300 square metres; no position is that exact")
    return corners
