"""Movement of a device: a Kalman filter of position and velocity whose two axes are alike, bounded by how
fast such a device can be."""

from __future__ import annotations

from math import hypot, sqrt

from msgspec.structs import replace

from .model import Fix, Track
from .plane import Plane, Point

# Seconds in which a moving device turns or stops, which is how its acceleration is taken.
_TURN = 60.0
# Seconds after which what was known of a moving device says nothing.
_FORGET = 3600.0
# Sigmas within which a fix fits the track, and how many in a row that do not begin another.
_FITS, _STRANGE = 2.5, 3
# Errors of one place are alike from frame to frame, as walls stay: a mean gets no better than this part of
# one fix.
_LEAST = 0.5
# Square metres in an hour by which one that stays where it is may have been carried elsewhere.
_CARRIED = 100.0**2 / (30 * 24)


def begin(fix: Fix, at: float, speed: float) -> Track:
    # Half of the square of the radius for each axis.
    return Track(at, fix.latitude, fix.longitude, 0.0, 0.0, fix.radius**2 / 2, 0.0, (speed / 2) ** 2 / 2)


def follow(track: Track | None, fix: Fix, at: float, speed: float) -> tuple[Track, Fix | None]:
    """The track with a fix taken up, and where the device is by it; None for a fix that does not fit."""
    if track is None or at <= track.at or (speed > 0 and at - track.at > _FORGET):
        return begin(fix, at, speed), fix
    seconds = at - track.at
    plane = Plane(track.latitude, track.longitude)
    predicted = Point(track.east * seconds, track.north * seconds)
    position, cross, velocity = _predict(track, seconds, speed)
    measured = plane.point(fix.latitude, fix.longitude)
    east, north = measured.east - predicted.east, measured.north - predicted.north
    noise = fix.radius**2 / 2
    spread = position + noise
    if hypot(east, north) > _FITS * sqrt(2 * spread) + speed * seconds * 0.5:
        if track.strange + 1 >= _STRANGE:
            return begin(fix, at, speed), fix
        return replace(track, strange=track.strange + 1), None
    k, kv = position / spread, cross / spread
    there = Point(predicted.east + k * east, predicted.north + k * north)
    v_east, v_north = track.east + kv * east, track.north + kv * north
    fast = hypot(v_east, v_north)
    if fast > speed:
        v_east, v_north = (v_east * speed / fast, v_north * speed / fast) if speed > 0 else (0.0, 0.0)
    latitude, longitude = plane.degrees(there)
    after = Track(
        at,
        latitude,
        longitude,
        v_north,
        v_east,
        max((1 - k) * position, _LEAST**2 * noise),
        (1 - k) * cross,
        max(velocity - kv * cross, 1e-4) if speed > 0 else 0.0,
    )
    return after, _filtered(fix, after)


def _predict(track: Track, seconds: float, speed: float) -> tuple[float, float, float]:
    """Variances of an axis so much later."""
    if speed <= 0:
        return track.position + _CARRIED * seconds / 3600, 0.0, 0.0
    jerk = (speed / 2) ** 2 / 2 / _TURN
    most = (speed / 2) ** 2 / 2
    position = (
        track.position
        + 2 * track.cross * seconds
        + track.velocity * seconds**2
        + jerk * min(seconds, _TURN) * seconds**2 / 3
    )
    cross = track.cross + track.velocity * seconds + jerk * min(seconds, _TURN) * seconds / 2
    return max(position, 1.0), cross, min(track.velocity + jerk * seconds, most)


def _filtered(fix: Fix, track: Track) -> Fix:
    radius = sqrt(2 * track.position)
    part = radius / fix.radius if fix.radius > 0 else 1.0
    return replace(
        fix,
        latitude=track.latitude,
        longitude=track.longitude,
        radius=radius,
        major=fix.major * part,
        minor=fix.minor * part,
        north=track.north,
        east=track.east,
    )
