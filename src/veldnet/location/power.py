"""A place from received power (RSSI), with a model of path loss that is fitted to devices at known places.

Power tells far less than time: a factor of 1.7 in distance is as likely as not. What is said of the radius is
accordingly large.
"""

from __future__ import annotations

from math import dist, hypot, isfinite, log, log10, pi, sqrt
from typing import NamedTuple

from .model import Fix, Problem, Reason
from .plane import Point, distance, flat
from .scene import SAME_PLACE, Scene, Seen, are_in_line, centre, ellipse_of, spread

# ThingPark's value for a place from power.
DILUTION = 10.0
_EDGE = 1.5
_STEPS, _CLOSE = 30, 1.0
# Nobody is heard from beyond this, in metres: such a level is of something else.
_FARTHEST = 100_000.0
# A device is no nearer to an antenna than this.
_NEAREST = 20.0
# dB by which levels at one place differ where nothing is known of walls, to compare two places.
_RIVALS = 10.0
# How far from the centroid of base stations a device is, as a part of their spread.
_LIKELY = 0.5


class _Level(NamedTuple):
    """What a base station says: the loss on the way in dB, and the distance that it means in metres."""

    station: int
    place: Point
    loss: float
    away: float


def _levels(problem: Problem, seen: list[Seen]) -> list[_Level]:
    levels = []
    model = problem.loss
    for each in seen:
        esp = each.hearing.esp
        if esp is None or not isfinite(esp):
            continue
        loss = problem.eirp - (esp - each.hearing.gain)
        away = 1000 * 10 ** ((loss - model.at_km) / model.slope)
        levels.append(_Level(each.hearing.station, each.place, loss, max(away, _NEAREST)))
    return levels


def disagreement(problem: Problem, seen: list[Seen], point: Point) -> float:
    """How badly levels fit a place, as chi square: of several places that fit the times, power tells
    which."""
    return disagreement_of(problem, losses_of(problem, seen), point)


def losses_of(problem: Problem, seen: list[Seen]) -> list[tuple[Point, float]]:
    """Where base stations stand, and the loss on the way there in dB, by the level that each says."""
    return [(level.place, level.loss) for level in _levels(problem, seen)]


def disagreement_of(problem: Problem, losses: list[tuple[Point, float]], point: Point) -> float:
    """The same, where many places are compared by the same levels."""
    if len(losses) < 2:
        return 0.0
    at_km, slope = problem.loss.at_km, problem.loss.slope
    off = [loss - at_km - slope * log10(max(dist(point, place), _NEAREST) / 1000) for place, loss in losses]
    mean = sum(off) / len(off)
    total = 0.0
    for each in off:
        total += (each - mean) ** 2
    return total / (_RIVALS * _RIVALS)


def locate(problem: Problem, scene: Scene) -> Fix | Reason:
    """The place that levels give, or why they give none."""
    levels = _levels(problem, scene.seen)
    if not levels:
        return "no_levels"
    levels.sort(key=lambda level: level.away)
    if levels[0].away > _FARTHEST:
        return "too_far"
    seen = [each for each in scene.seen if any(each.hearing.station == level.station for level in levels)]
    # One sigma of a distance, as a factor.
    factor = 10 ** (problem.loss.shadowing / problem.loss.slope)
    if len(levels) == 1 or spread(seen).major < SAME_PLACE:
        level = levels[0]
        return _round(scene, level.place, level.away * factor, levels)
    if len(levels) == 2 or are_in_line(seen):
        return _on_line(scene, levels, factor)
    return _fitted(problem, scene, levels, seen)


def _round(scene: Scene, point: Point, radius: float, levels: list[_Level]) -> Fix:
    latitude, longitude = scene.plane.degrees(point)
    side = radius / sqrt(2)
    used = tuple(level.station for level in levels)
    return Fix("RSSI", latitude, longitude, scene.ground, radius, side, side, 0.0, DILUTION, used)


def _on_line(scene: Scene, levels: list[_Level], factor: float) -> Fix:
    """Base stations in a line cannot say on which side of it the device is: a point on the line, by inverse
    distances, and a radius that holds both sides."""
    weights = [1 / level.away for level in levels]
    total = sum(weights)
    point = Point(
        sum(w * level.place.east for w, level in zip(weights, levels, strict=True)) / total,
        sum(w * level.place.north for w, level in zip(weights, levels, strict=True)) / total,
    )
    nearest = levels[0]
    return _round(scene, point, max(nearest.away * factor, flat(point, nearest.place)), levels)


class _Prior(NamedTuple):
    """Where a device is likely before its levels are compared with the model: around the centroid of base
    stations by received power, within `sigma` metres. Levels alone would often put it far outside, where
    their shadowing is."""

    point: Point
    sigma: float


def _cost(problem: Problem, levels: list[_Level], prior: _Prior, point: Point) -> float:
    total = (flat(point, prior.point) / prior.sigma) ** 2
    at_km, steep, shadowing = problem.loss.at_km, problem.loss.slope, problem.loss.shadowing
    for _station, place, loss, _away in levels:
        # The innermost loops of a search: what is expected is written out here and in `_descend`.
        u = abs(loss - at_km - steep * log10(max(dist(point, place), _NEAREST) / 1000)) / shadowing
        total += u * u if u <= _EDGE else _EDGE * (2 * u - _EDGE)
    return total


def _fitted(problem: Problem, scene: Scene, levels: list[_Level], seen: list[Seen]) -> Fix | Reason:
    """Least squares in decibels, from the centroid by inverse distances and from the strongest base
    station."""
    weights = [1 / level.away for level in levels]
    total = sum(weights)
    east = sum(w * level.place.east for w, level in zip(weights, levels, strict=True)) / total
    north = sum(w * level.place.north for w, level in zip(weights, levels, strict=True)) / total
    middle = centre(seen)
    size = spread(seen).major
    prior = _Prior(Point(east, north), _LIKELY * size)
    starts = [(east, north), (middle.east, middle.north)]
    starts.append(((levels[0].place.east + east) / 2, (levels[0].place.north + north) / 2))
    found = [_descend(problem, scene, levels, prior, *start) for start in starts]
    point = min(found, key=lambda each: _cost(problem, levels, prior, each))
    if flat(point, middle) > 4 * size:
        # What lies far outside is guessed from the slope of noise.
        return _on_line(scene, levels, 10 ** (problem.loss.shadowing / problem.loss.slope))
    xx, yy, xy = _information(problem, levels, point)
    wide = 1 / prior.sigma**2
    xx, yy = xx + wide, yy + wide
    determinant = xx * yy - xy * xy
    scale = max(1.0, _cost(problem, levels, prior, point) / max(len(levels) - 2, 1))
    shape = ellipse_of(scale * yy / determinant, scale * xx / determinant, -scale * xy / determinant)
    latitude, longitude = scene.plane.degrees(point)
    return Fix(
        "RSSI",
        latitude,
        longitude,
        scene.ground,
        hypot(shape.major, shape.minor),
        shape.major,
        shape.minor,
        shape.azimuth,
        DILUTION,
        tuple(level.station for level in levels),
    )


def _information(problem: Problem, levels: list[_Level], point: Point) -> tuple[float, float, float]:
    xx = yy = xy = 0.0
    for level in levels:
        away = max(distance(point, level.place), _NEAREST)
        slope = problem.loss.slope / log(10) / away / problem.loss.shadowing
        jx = slope * (point.east - level.place.east) / away
        jy = slope * (point.north - level.place.north) / away
        xx, yy, xy = xx + jx * jx, yy + jy * jy, xy + jx * jy
    return xx, yy, xy


def _descend(
    problem: Problem, scene: Scene, levels: list[_Level], prior: _Prior, east: float, north: float
) -> Point:
    point = scene.plane.on_ground(east, north, scene.ground)
    cost, damping = _cost(problem, levels, prior, point), 1e-2
    reach = max(levels[0].away, SAME_PLACE) * pi
    at_km, steep, shadowing = problem.loss.at_km, problem.loss.slope, problem.loss.shadowing
    for _step in range(_STEPS):
        xx = yy = 1 / prior.sigma**2
        x, y = (prior.point.east - point.east) * xx, (prior.point.north - point.north) * yy
        xy = 0.0
        for _station, place, loss, _away in levels:
            away = max(dist(point, place), _NEAREST)
            u = (loss - at_km - steep * log10(away / 1000)) / shadowing
            w = 1.0 if abs(u) <= _EDGE else _EDGE / abs(u)
            slope = steep / log(10) / away / shadowing
            jx = slope * (point.east - place.east) / away
            jy = slope * (point.north - place.north) / away
            xx, yy, xy = xx + w * jx * jx, yy + w * jy * jy, xy + w * jx * jy
            x, y = x + w * jx * u, y + w * jy * u
        scale = damping * max(xx, yy, 1e-12)
        determinant = (xx + scale) * (yy + scale) - xy * xy
        if determinant <= 0:
            break
        dx, dy = ((yy + scale) * x - xy * y) / determinant, ((xx + scale) * y - xy * x) / determinant
        size = hypot(dx, dy)
        if size > reach:
            dx, dy = dx * reach / size, dy * reach / size
        there = scene.plane.on_ground(point.east + dx, point.north + dy, scene.ground)
        lower = _cost(problem, levels, prior, there)
        if lower < cost:
            point, cost, damping = there, lower, damping / 4
        else:
            damping *= 6
        if size < _CLOSE or damping > 1e6:
            break
    return point
