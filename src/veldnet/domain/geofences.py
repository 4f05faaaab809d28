"""Areas that devices are watched for: their shapes, and what a position says of being within.

A position is a circle of one sigma around a point. It says on which side of the border a device is only where
the border is farther away than that; a crossing takes two such positions in a row, or one that is twice as
certain.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from itertools import pairwise
from math import asin, cos, hypot, radians, sin, sqrt
from typing import Literal

import msgspec

# What raises an alarm.
Watched = Literal["ENTER", "LEAVE", "BOTH"]

# Metres of a degree of latitude, and of the earth's mean radius.
_DEGREE, _EARTH = 111_195.0, 6_371_000.0
# How often the radius the border must be away for one position to be enough.
_SURE = 2.0


class Corner(msgspec.Struct, frozen=True):
    """Of a polygon, in degrees."""

    latitude: float
    longitude: float


class Circle(msgspec.Struct, frozen=True):
    """A place in degrees, and metres around it."""

    latitude: float
    longitude: float
    radius: float


class Shape(msgspec.Struct, frozen=True):
    """A circle, or a polygon whose last corner is joined to its first. One of them is there."""

    circle: Circle | None = None
    polygon: tuple[Corner, ...] = ()


class Geofence(msgspec.Struct, frozen=True):
    """An area of a subscriber. `tag`: only devices that have it; `level` is that of the alarm. Of positions
    before `drawn_at` (Unix milliseconds) nothing follows: it had another shape."""

    ref: int
    name: str
    watched: Watched
    level: int
    tag: str | None
    shape: Shape
    drawn_at: int


class Side(IntEnum):
    """Where a device is known to be. ONCE_IN and ONCE_OUT: one position says so against what was known
    before; MAYBE_IN and MAYBE_OUT: one says so, and nothing was known."""

    OUT = 0
    IN = 1
    ONCE_IN = 2
    ONCE_OUT = 3
    MAYBE_IN = 4
    MAYBE_OUT = 5


_KNOWN = {Side.OUT: False, Side.IN: True, Side.ONCE_IN: False, Side.ONCE_OUT: True}
_SEEN = {Side.ONCE_IN: True, Side.ONCE_OUT: False, Side.MAYBE_IN: True, Side.MAYBE_OUT: False}


class Crossing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A device is on the other side of a border now; `raised` where somebody wants to be told of it: not
    where it was seen for the first time."""

    geofence: int
    name: str
    inside: bool
    level: int
    raised: bool


class Verdict(msgspec.Struct, frozen=True):
    """What a position makes of all areas that watch a device: the side of each that anything is known of,
    what was crossed, and which do not watch it any more."""

    sides: dict[int, int]
    crossings: tuple[Crossing, ...] = ()
    ended: tuple[int, ...] = ()


def judge(
    geofences: Iterable[Geofence], sides: dict[int, int], before_ms: int | None, place: Circle
) -> Verdict:
    """`sides` are those known with the position before, which was at `before_ms`; the new place has the
    radius of one sigma."""
    known: dict[int, int] = {}
    crossings = []
    watching = set()
    for fence in geofences:
        watching.add(fence.ref)
        stands = before_ms is not None and before_ms >= fence.drawn_at
        value = sides.get(fence.ref) if stands else None
        before = None if value is None else Side(value)
        after = side(before, depth(fence.shape, place.latitude, place.longitude), place.radius)
        if after is None:
            continue
        known[fence.ref] = int(after)
        now, was = _KNOWN.get(after), None if before is None else _KNOWN.get(before)
        if now is not None and now != was:
            wanted = fence.watched in ("BOTH", "ENTER" if now else "LEAVE")
            crossings.append(Crossing(fence.ref, fence.name, now, fence.level, wanted and was is not None))
    return Verdict(known, tuple(crossings), tuple(ref for ref in sides if ref not in watching))


def side(before: Side | None, depth: float, radius: float) -> Side | None:
    """The side that is known with a position that lies so many metres within (below 0: outside)."""
    known = None if before is None else _KNOWN.get(before)
    if not abs(depth) > radius:
        # What one position has said is not confirmed.
        return None if known is None else Side.IN if known else Side.OUT
    inside = depth > 0
    if known == inside or abs(depth) > _SURE * radius:
        return Side.IN if inside else Side.OUT
    if before is not None and _SEEN.get(before) == inside:
        return Side.IN if inside else Side.OUT
    if known is None:
        return Side.MAYBE_IN if inside else Side.MAYBE_OUT
    return Side.ONCE_IN if inside else Side.ONCE_OUT


def depth(shape: Shape, latitude: float, longitude: float) -> float:
    """Metres from the border: positive within, negative outside."""
    circle = shape.circle
    if circle is not None:
        return circle.radius - _apart(latitude, longitude, circle.latitude, circle.longitude)
    corners = _around(shape.polygon, latitude, longitude)
    nearest = min(_to_segment(a, b) for a, b in _edges(corners))
    return nearest if _encloses(corners) else -nearest


_Flat = tuple[float, float]


def _around(polygon: tuple[Corner, ...], latitude: float, longitude: float) -> list[_Flat]:
    """Corners in metres east and north of a point. Longitudes are counted from the first corner, so that the
    date line does not divide what lies across it."""
    first = polygon[0].longitude
    east = _turn(longitude - first)
    scale = _DEGREE * cos(radians(latitude))
    return [
        ((_turn(each.longitude - first) - east) * scale, (each.latitude - latitude) * _DEGREE)
        for each in polygon
    ]


def _turn(degrees: float) -> float:
    return (degrees + 180) % 360 - 180


def _edges(corners: list[_Flat]) -> Iterable[tuple[_Flat, _Flat]]:
    return pairwise([*corners, corners[0]])


def _to_segment(a: _Flat, b: _Flat) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    size = dx * dx + dy * dy
    t = 0.0 if size == 0 else min(1.0, max(0.0, -(a[0] * dx + a[1] * dy) / size))
    return hypot(a[0] + t * dx, a[1] + t * dy)


def _encloses(corners: list[_Flat]) -> bool:
    """Whether the origin is within."""
    inside = False
    for (ax, ay), (bx, by) in _edges(corners):
        if (ay > 0) != (by > 0) and ax - ay * (bx - ax) / (by - ay) > 0:
            inside = not inside
    return inside


def _apart(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    north, east = radians(other_latitude - latitude), radians(other_longitude - longitude)
    half = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(east / 2) ** 2
    return 2 * _EARTH * asin(min(1.0, sqrt(half)))


def crosses_itself(polygon: tuple[Corner, ...]) -> bool:
    """Whether two edges that are not neighbours meet."""
    corners = _around(polygon, polygon[0].latitude, polygon[0].longitude)
    edges = list(_edges(corners))
    count = len(edges)
    for i in range(count):
        for j in range(i + 1, count):
            if j - i in (1, count - 1):
                continue
            if _meet(*edges[i], *edges[j]):
                return True
    return False


def _meet(a: _Flat, b: _Flat, c: _Flat, d: _Flat) -> bool:
    return _turns(a, b, c) * _turns(a, b, d) <= 0 and _turns(c, d, a) * _turns(c, d, b) <= 0


def _turns(a: _Flat, b: _Flat, c: _Flat) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def extent(polygon: tuple[Corner, ...]) -> tuple[float, float]:
    """Metres from west to east and from south to north."""
    corners = _around(polygon, polygon[0].latitude, polygon[0].longitude)
    across, up = [x for x, _y in corners], [y for _x, y in corners]
    return max(across) - min(across), max(up) - min(up)


def surface(polygon: tuple[Corner, ...]) -> float:
    """Square metres, of a polygon that does not cross itself."""
    corners = _around(polygon, polygon[0].latitude, polygon[0].longitude)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in _edges(corners))) / 2
