"""The base stations of a problem in a plane, cleaned of what cannot be used."""

from __future__ import annotations

from math import atan2, degrees, isfinite, sqrt
from typing import NamedTuple

from .model import MOST_STATIONS, Hearing, Problem
from .plane import Plane, Point

# Metres that a base station of unknown altitude is above devices.
_MAST = 25.0
# Less than this is no distance between two masts.
SAME_PLACE = 30.0


class Seen(NamedTuple):
    """A base station of the scene."""

    hearing: Hearing
    place: Point


class Scene(NamedTuple):
    """`ground` is the assumed altitude of the device, in metres above the sea."""

    plane: Plane
    seen: list[Seen]
    ground: float


class Ellipse(NamedTuple):
    """Half axes of one sigma in metres, the longer one so many degrees from north."""

    major: float
    minor: float
    azimuth: float


def _usable(hearing: Hearing) -> bool:
    return (
        isfinite(hearing.latitude)
        and isfinite(hearing.longitude)
        and abs(hearing.latitude) <= 89.5
        and abs(hearing.longitude) <= 180
    )


def _strength(hearing: Hearing) -> float:
    return -999.0 if hearing.esp is None or not isfinite(hearing.esp) else hearing.esp


def scene_of(problem: Problem) -> Scene | None:
    """None where no base station has a position. Of a base station that heard the frame by several antennas,
    or whose copy came twice, the strongest counts."""
    best: dict[int, Hearing] = {}
    for hearing in problem.heard:
        known = best.get(hearing.station)
        if _usable(hearing) and (known is None or _strength(hearing) > _strength(known)):
            best[hearing.station] = hearing
    chosen = sorted(best.values(), key=_strength, reverse=True)[:MOST_STATIONS]
    if not chosen:
        return None
    first = chosen[0]
    plane = Plane(first.latitude, first.longitude)
    heights = [each.altitude for each in chosen if each.altitude is not None and isfinite(each.altitude)]
    ground = max(-430.0, min(heights) - _MAST) + problem.limits.height if heights else problem.limits.height
    seen = []
    for each in chosen:
        altitude = each.altitude if each.altitude is not None else ground + _MAST
        seen.append(Seen(each, plane.point(each.latitude, each.longitude, altitude)))
    return Scene(plane, seen, ground)


def centre(seen: list[Seen]) -> Point:
    count = len(seen)
    return Point(sum(s.place.east for s in seen) / count, sum(s.place.north for s in seen) / count)


def spread(seen: list[Seen]) -> Ellipse:
    """How base stations are spread around their centre, as an ellipse."""
    middle, count = centre(seen), len(seen)
    xx = sum((s.place.east - middle.east) ** 2 for s in seen) / count
    yy = sum((s.place.north - middle.north) ** 2 for s in seen) / count
    xy = sum((s.place.east - middle.east) * (s.place.north - middle.north) for s in seen) / count
    return ellipse_of(xx, yy, xy)


def ellipse_of(xx: float, yy: float, xy: float) -> Ellipse:
    """Of a covariance in square metres, east and north."""
    mean, half = (xx + yy) / 2, sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    azimuth = 90 - degrees(atan2(2 * xy, xx - yy)) / 2
    return Ellipse(sqrt(max(mean + half, 0.0)), sqrt(max(mean - half, 0.0)), azimuth % 180)


def are_in_line(seen: list[Seen]) -> bool:
    """Whether base stations stand so nearly in a line that a place and its mirror image cannot be told
    apart."""
    shape = spread(seen)
    return shape.major < SAME_PLACE or shape.minor < 0.1 * shape.major
