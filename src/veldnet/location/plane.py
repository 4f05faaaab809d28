"""A plane that touches the earth (WGS84): metres east, north and up of its origin. Distances in it are those
of the straight line, which radio takes."""

from __future__ import annotations

from math import cos, degrees, dist, hypot, radians, sin, sqrt
from typing import NamedTuple

# The ellipsoid: metres from its centre to the equator, and the square of its eccentricity.
_A, _E2 = 6_378_137.0, 6.694_379_990_14e-3
_MEAN_RADIUS = 6_371_000.0


class Point(NamedTuple):
    """Metres in a plane."""

    east: float
    north: float
    up: float = 0.0


def _ecef(latitude: float, longitude: float, altitude: float) -> tuple[float, float, float]:
    phi, lam = radians(latitude), radians(longitude)
    normal = _A / sqrt(1 - _E2 * sin(phi) ** 2)
    across = (normal + altitude) * cos(phi)
    return across * cos(lam), across * sin(lam), (normal * (1 - _E2) + altitude) * sin(phi)


class Plane:
    """Places near a point of the earth."""

    def __init__(self, latitude: float, longitude: float) -> None:
        self.latitude, self.longitude = latitude, longitude
        phi, lam = radians(latitude), radians(longitude)
        self._sin, self._cos = (sin(phi), sin(lam)), (cos(phi), cos(lam))
        self._origin = _ecef(latitude, longitude, 0.0)
        w = sqrt(1 - _E2 * sin(phi) ** 2)
        # Radii of curvature along the meridian and across it.
        self._meridian = _A * (1 - _E2) / w**3
        self._across = _A / w

    def point(self, latitude: float, longitude: float, altitude: float = 0.0) -> Point:
        x, y, z = (a - b for a, b in zip(_ecef(latitude, longitude, altitude), self._origin, strict=True))
        (sin_phi, sin_lam), (cos_phi, cos_lam) = self._sin, self._cos
        radial = cos_lam * x + sin_lam * y
        return Point(
            cos_lam * y - sin_lam * x, cos_phi * z - sin_phi * radial, cos_phi * radial + sin_phi * z
        )

    def on_ground(self, east: float, north: float, altitude: float) -> Point:
        """A point so high above the curved earth."""
        return Point(east, north, altitude - (east * east + north * north) / (2 * _MEAN_RADIUS))

    def degrees(self, point: Point) -> tuple[float, float]:
        """Latitude and longitude of a point on the ground."""
        latitude, longitude = self.latitude, self.longitude
        # The plane is flat and meridians meet: each step leaves a small part of the error of the one before.
        for _step in range(4):
            here = self.point(latitude, longitude)
            latitude += degrees((point.north - here.north) / self._meridian)
            latitude = max(-89.99, min(89.99, latitude))
            longitude += degrees(
                (point.east - here.east) / (self._across * max(cos(radians(latitude)), 1e-4))
            )
        return latitude, (longitude + 180) % 360 - 180


def flat(a: Point, b: Point) -> float:
    """Metres between two points, whatever their heights."""
    return hypot(a.east - b.east, a.north - b.north)


def distance(a: Point, b: Point) -> float:
    return dist(a, b)
