"""A place from differences of arrival times (TDOA).

The difference of two arrival times puts the device on a hyperbola; three base stations give a place and four
tell whether it is one. Weighted least squares, solved from several starts because the sum has several
minima; what walls and reflections do makes time stamps late and never early, so that late ones count less. A
base station whose time stamps do not fit is left out where the others can tell that it is the one.
"""

from __future__ import annotations

from itertools import combinations
from math import cos, dist, exp, hypot, isfinite, log, pi, sin, sqrt
from typing import NamedTuple

from .model import Clocks, Fix, Problem, Reason
from .plane import Point, distance, flat
from .power import disagreement, disagreement_of, losses_of
from .scene import Scene, Seen, are_in_line, centre, ellipse_of, spread
from .stamps import Possible, Stamp, stamps_of
from .stamps import possible as possible_of

# Sigmas up to which a residual counts with its square, beyond linearly: late ones less.
_EARLY, _LATE = 1.5, 0.8
_STEPS, _CLOSE = 30, 2.0
# Metres by which the range at which a frame was sent is known.
_SETTLED = 0.01
# So few base stations that a second start for two of them is worth its time.
_FEW = 5
# The same where it is only asked how far away another place is.
_NEAR = 30.0
# Starts from which the sum is followed down, of those where it is lowest.
_DESCENTS = 4
# Chi square for each degree of freedom above which a base station is looked for that does not fit, and from
# which there is no place.
_SUSPICIOUS, _HOPELESS = 3.0, 9.0
# By how much the second best place must be worse, in chi square.
_CLEARLY = 4.0
MOST_DILUTION = 10.0
# Three base stations check nothing: what is said of their place is made so much less certain.
_UNCHECKED = 2.0
# How likely it is that a clock is wrong, as what is said of a place must allow for: far more than it is, for
# few base stations cannot tell. So many of them at once are thought of, where so many more agree.
_WRONG, _MOST_WRONG, _AGREEING = 0.2, 2, 3
# What is less likely than this, as twice a logarithm, is not looked at.
_NEGLIGIBLE = -14.0
# Base stations from which on a place needs no such doubt where none was left out.
_ENOUGH = 7
# Stamps that check each other.
_CHECKING = 4
# Metres by which walls and reflections make a stamp late at most; beyond that its clock is wrong.
_WALLS = 400.0


class _Place(NamedTuple):
    """A minimum: the point, the range at which the frame was sent, and the sum there."""

    point: Point
    sent: float
    cost: float


def _seen(scene: Scene, stamps: list[Stamp]) -> list[Seen]:
    stations = {stamp.station for stamp in stamps}
    return [each for each in scene.seen if each.hearing.station in stations]


class Timing(NamedTuple):
    """The place that arrival times give, or why they give none, and what they say of clocks."""

    place: Fix | Reason
    clocks: Clocks


class _Agreed(NamedTuple):
    """Stamps that give a place, or None of them does for a reason; `left_out` do not fit it."""

    stamps: list[Stamp]
    found: _Place | Reason
    left_out: list[Stamp]


def locate(problem: Problem, scene: Scene) -> Timing:
    given = stamps_of(scene, problem.limits.timing)
    trusted = [stamp for stamp in given if not stamp.doubted]
    possible = possible_of(trusted)
    agreed = _agreed(problem, scene, possible)
    clocks = _clocks(possible, agreed)
    if len(trusted) < len(given):
        checks = [
            (stamp.station, _fits(problem, scene, agreed.stamps, stamp)) for stamp in given if stamp.doubted
        ]
        right = tuple(station for station, fits in checks if fits)
        wrong = tuple(station for station, fits in checks if fits is False)
        clocks = Clocks((*clocks.right, *right), (*clocks.wrong, *wrong), clocks.suspects)
    found = agreed.found
    if isinstance(found, str):
        return Timing(found, clocks)
    excluded = [*possible.excluded, *(stamp.station for stamp in agreed.left_out)]
    doubt = 0.0
    if excluded or len(agreed.stamps) < _ENOUGH:
        # Those that were left out may have been the right ones.
        finite = [stamp for stamp in trusted if isfinite(stamp.range)]
        doubt = _Doubt(problem, scene, finite, found).square(agreed.stamps)
    return Timing(_fix(scene, agreed.stamps, found, excluded, doubt), clocks)


def _agreed(problem: Problem, scene: Scene, possible: Possible) -> _Agreed:
    stamps, left_out = possible.stamps, list[Stamp]()
    if len(stamps) < 3:
        some = possible.excluded and len(stamps) + len(possible.excluded) >= 3
        return _Agreed(stamps, "inconsistent" if some else "few_time_stamps", left_out)
    if are_in_line(_seen(scene, stamps)):
        return _Agreed(stamps, "colinear", left_out)
    found = _best(problem, scene, stamps)
    # Each that is left out needs one more that agrees than the three that make a place.
    while not isinstance(found, str) and _chi(stamps, found) > _SUSPICIOUS:
        without = _without_one(problem, scene, stamps) if len(stamps) - 4 > len(left_out) else None
        if without is None or _chi(*without) > _chi(stamps, found) / 2:
            break
        left_out.append(next(stamp for stamp in stamps if stamp not in without[0]))
        stamps, found = without
    # Where one was left out and others do not fit all the same, it need not have been the wrong one.
    if not isinstance(found, str) and _chi(stamps, found) > (_SUSPICIOUS if left_out else _HOPELESS):
        found = "inconsistent"
    return _Agreed(stamps, found, left_out)


# Clocks.


def _clocks(possible: Possible, agreed: _Agreed) -> Clocks:
    """Three stamps cannot agree: they always meet somewhere."""
    stations = tuple(stamp.station for stamp in agreed.stamps)
    wrong = tuple(possible.wrong)
    if len(possible.stamps) + len(possible.excluded) < _CHECKING:
        return Clocks((), wrong)
    suspects = tuple(possible.suspects)
    if len(stations) < _CHECKING:
        return Clocks((), wrong, suspects)
    if isinstance(agreed.found, str):
        if agreed.found == "inconsistent" and not suspects:
            suspects = (*stations, *(stamp.station for stamp in agreed.left_out))
        return Clocks((), wrong, suspects)
    left_out = [stamp.station for stamp in agreed.left_out if abs(_late(stamp, agreed.found)) > _WALLS]
    agree = _chi(agreed.stamps, agreed.found) <= _SUSPICIOUS
    return Clocks(stations if agree else (), (*wrong, *left_out), suspects)


def _fits(problem: Problem, scene: Scene, stamps: list[Stamp], doubted: Stamp) -> bool | None:
    """Whether a clock that was wrong is right again; None where the others are too few to tell."""
    joint = [*stamps, doubted]
    if len(joint) < _CHECKING:
        return None
    if len(possible_of(joint).stamps) < len(joint):
        return False
    if are_in_line(_seen(scene, joint)):
        return None
    found = _best(problem, scene, joint)
    if isinstance(found, str):
        return None
    chi = _chi(joint, found)
    return True if chi <= _SUSPICIOUS else False if chi > _HOPELESS else None


def _late(stamp: Stamp, place: _Place) -> float:
    """Metres."""
    return stamp.range - distance(place.point, stamp.place) - place.sent


# One place.


def _settled(stamps: list[Stamp], point: Point, sent: float | None) -> _Place:
    """A point with the range at which the frame was sent that fits best, and the sum with it."""
    # The innermost loops of a search: the weight is written out here and in `_normal`.
    late = [(stamp.range - dist(point, stamp.place), stamp.sigma) for stamp in stamps]
    at = sorted(late)[len(late) // 2][0] if sent is None else sent
    for _round in range(3):
        total = above = 0.0
        for value, sigma in late:
            w, u = 1.0, (value - at) / sigma
            if u > _LATE:
                w = _LATE / u
            elif u < -_EARLY:
                w = -_EARLY / u
            w /= sigma * sigma
            total += w
            above += w * value
        before, at = at, above / total
        if abs(at - before) < _SETTLED:
            break
    cost = 0.0
    for value, sigma in late:
        u = (value - at) / sigma
        if u > _LATE:
            cost += _LATE * (2 * u - _LATE)
        elif u < -_EARLY:
            cost += _EARLY * (-2 * u - _EARLY)
        else:
            cost += u * u
    return _Place(point, at, cost)


def _evaluate(
    scene: Scene, stamps: list[Stamp], east: float, north: float, sent: float | None = None
) -> _Place:
    return _settled(stamps, scene.plane.on_ground(east, north, scene.ground), sent)


class _Normal(NamedTuple):
    """Normal equations in east and north, the time of sending eliminated."""

    xx: float
    yy: float
    xy: float
    x: float = 0.0
    y: float = 0.0


def _normal(stamps: list[Stamp], place: _Place, *, robust: bool, unit: bool = False) -> _Normal:
    rows = []
    total = mx = my = mr = 0.0
    point, sent = place.point, place.sent
    east, north, _up = point
    for stamp in stamps:
        there, sigma = stamp.place, stamp.sigma
        away = dist(point, there)
        if away < 1.0:
            away = 1.0
        residual = stamp.range - away - sent
        w = 1.0 if unit else 1 / (sigma * sigma)
        if robust:
            u = residual / sigma
            if u > _LATE:
                w *= _LATE / u
            elif u < -_EARLY:
                w *= -_EARLY / u
        jx, jy = (east - there[0]) / away, (north - there[1]) / away
        rows.append((w, jx, jy, residual))
        total += w
        mx += w * jx
        my += w * jy
        mr += w * residual
    mx, my, mr = mx / total, my / total, mr / total
    xx = yy = xy = x = y = 0.0
    for w, jx, jy, residual in rows:
        dx, dy, dr = jx - mx, jy - my, residual - mr
        wx, wy = w * dx, w * dy
        xx += wx * dx
        yy += wy * dy
        xy += wx * dy
        x += wx * dr
        y += wy * dr
    return _Normal(xx, yy, xy, x, y)


def _descend(scene: Scene, stamps: list[Stamp], place: _Place, reach: float) -> _Place:
    return _descend_all(scene, [stamps], [place], reach)[0]


def _descend_all(
    scene: Scene, parts: list[list[Stamp]], places: list[_Place], reach: float, close: float = _CLOSE
) -> list[_Place]:
    """Levenberg and Marquardt, down from a place until steps are `close`. Each part of the stamps has a time
    of sending of its own, and so an entry in `places`, all of which are at one point."""
    damping, cost = 1e-3, sum(place.cost for place in places)
    for _step in range(_STEPS):
        normals = [_normal(some, place, robust=True) for some, place in zip(parts, places, strict=True)]
        n = normals[0] if len(normals) == 1 else _Normal(*map(sum, zip(*normals, strict=True)))
        scale = damping * max(n.xx, n.yy, 1e-12)
        determinant = (n.xx + scale) * (n.yy + scale) - n.xy * n.xy
        if determinant <= 0:
            return places
        dx = ((n.yy + scale) * n.x - n.xy * n.y) / determinant
        dy = ((n.xx + scale) * n.y - n.xy * n.x) / determinant
        size = hypot(dx, dy)
        if size > reach:
            dx, dy = dx * reach / size, dy * reach / size
        east, north = places[0].point.east + dx, places[0].point.north + dy
        there = [
            _evaluate(scene, some, east, north, place.sent) for some, place in zip(parts, places, strict=True)
        ]
        lower = sum(place.cost for place in there)
        if lower < cost:
            places, cost, damping = there, lower, damping / 4
            if size < close:
                break
        else:
            damping *= 6
            if damping > 1e6 or size < close:
                break
    return places


def _starts(scene: Scene, stamps: list[Stamp]) -> list[tuple[float, float]]:
    seen = _seen(scene, stamps)
    middle, size = centre(seen), spread(seen).major
    strong = _strong(seen)
    starts = [strong, (middle.east, middle.north)]
    for reach in (0.8, 2.0):
        for step in range(6):
            angle = pi * step / 3 + reach
            starts.append((middle.east + reach * size * cos(angle), middle.north + reach * size * sin(angle)))
    return starts


def _strong(seen: list[Seen]) -> tuple[float, float]:
    """The mean of base stations by received power, east and north."""
    weights = [10 ** (max(-150.0, s.hearing.esp or -130.0) / 20) for s in seen]
    total = sum(weights)
    return (
        sum(w * s.place.east for w, s in zip(weights, seen, strict=True)) / total,
        sum(w * s.place.north for w, s in zip(weights, seen, strict=True)) / total,
    )


def _best(problem: Problem, scene: Scene, stamps: list[Stamp]) -> _Place | Reason:
    """The one place that fits, or why there is not one."""
    seen = _seen(scene, stamps)
    middle = centre(seen)
    baseline = max(flat(a.place, b.place) for a, b in combinations(stamps, 2))
    placed = [_evaluate(scene, stamps, *start) for start in _starts(scene, stamps)]
    placed.sort(key=lambda place: place.cost)
    minima: list[_Place] = []
    for place in placed[:_DESCENTS]:
        low = _descend(scene, stamps, place, baseline)
        if all(flat(low.point, other.point) > 20.0 for other in minima):
            minima.append(low)
    inside = [each for each in minima if flat(each.point, middle) <= 1.5 * baseline]
    if not inside:
        return "outside"
    scored = sorted(
        ((each.cost + disagreement(problem, seen, each.point), each) for each in inside),
        key=lambda pair: pair[0],
    )
    score, best = scored[0]
    ellipse = _covariance(stamps, best)
    if ellipse is None or _dilution(stamps, best) > MOST_DILUTION:
        return "colinear"
    apart = 2 * hypot(ellipse.major, ellipse.minor)
    for other_score, other in scored[1:]:
        if other_score - score < _CLEARLY and flat(other.point, best.point) > apart:
            return "ambiguous"
    return best


def _chi(stamps: list[Stamp], place: _Place) -> float:
    """Chi square for each degree of freedom; of three stamps there is none."""
    if len(stamps) < 4:
        return 0.0
    total = sum((_late(stamp, place) / stamp.sigma) ** 2 for stamp in stamps)
    return total / (len(stamps) - 3)


def _without_one(problem: Problem, scene: Scene, stamps: list[Stamp]) -> tuple[list[Stamp], _Place] | None:
    """The best place without one of the stamps, where four or more are left to confirm it."""
    tried = []
    for left_out in stamps:
        rest = [stamp for stamp in stamps if stamp is not left_out]
        if are_in_line(_seen(scene, rest)):
            continue
        found = _best(problem, scene, rest)
        if not isinstance(found, str):
            tried.append((_chi(rest, found), rest, found))
    if not tried:
        return None
    _cost, rest, found = min(tried, key=lambda each: each[0])
    return rest, found


# How certain it is.


def _covariance(stamps: list[Stamp], place: _Place) -> _Covariance | None:
    return _inverse(_normal(stamps, place, robust=False))


class _Covariance(NamedTuple):
    """East, north, and both, in square metres; half axes of one sigma."""

    xx: float
    yy: float
    xy: float
    major: float
    minor: float


def _inverse(n: _Normal) -> _Covariance | None:
    determinant = n.xx * n.yy - n.xy * n.xy
    if determinant <= 1e-12 * max(n.xx, n.yy, 1e-12) ** 2:
        return None
    xx, yy, xy = n.yy / determinant, n.xx / determinant, -n.xy / determinant
    shape = ellipse_of(xx, yy, xy)
    return _Covariance(xx, yy, xy, shape.major, shape.minor)


def _dilution(stamps: list[Stamp], place: _Place) -> float:
    inverse = _inverse(_normal(stamps, place, robust=False, unit=True))
    return float("inf") if inverse is None else sqrt(inverse.xx + inverse.yy)


class _Doubt:
    """What is known of a place that others are compared with, and how far these are, by how likely each
    is."""

    def __init__(self, problem: Problem, scene: Scene, possible: list[Stamp], found: _Place) -> None:
        self._problem, self._scene, self._possible, self._found = problem, scene, possible, found
        self._seen = _seen(scene, possible)
        self._middle = centre(self._seen)
        self._baseline = max(flat(a.place, b.place) for a, b in combinations(possible, 2))
        self._losses = losses_of(problem, self._seen)
        self._here = found.cost + disagreement_of(problem, self._losses, found.point)
        self._in_line: dict[frozenset[int], bool] = {}
        # Two parts that agree within themselves alone meet at several points; power says near to which.
        self._starts = [found.point, Point(*_strong(self._seen))]
        self._weights, self._squares = 1.0, 0.0

    def square(self, used: list[Stamp]) -> float:
        """Square metres, of a place that these stamps gave."""
        here = self._here + sum(self._price(stamp.sigma) for stamp in self._possible if stamp not in used)
        for count in range(_MOST_WRONG + 1):
            for wrong in combinations(self._possible, count):
                rest = [stamp for stamp in self._possible if stamp not in wrong]
                if len(rest) >= _AGREEING and rest != used:
                    self._add(here - sum(self._price(stamp.sigma) for stamp in wrong), [rest])
        for pair in _pairs(self._possible):
            rest = [stamp for stamp in self._possible if stamp not in pair]
            self._add(here - self._price(hypot(_mean_sigma(pair), _mean_sigma(rest))), [rest, pair])
        return self._squares / self._weights

    def _are_in_line(self, parts: list[list[Stamp]]) -> bool:
        stations = frozenset(stamp.station for part in parts for stamp in part)
        if stations not in self._in_line:
            seen = [each for each in self._seen if each.hearing.station in stations]
            self._in_line[stations] = are_in_line(seen)
        return self._in_line[stations]

    def _price(self, sigma: float) -> float:
        """Minus twice the logarithm of how likely it is that a clock is wrong by what fits so well."""
        return -2 * log(_WRONG * sigma * sqrt(2 * pi) / (2 * self._baseline))

    def _add(self, most: float, parts: list[list[Stamp]]) -> None:
        """Where the device would be if the clocks of each part agreed with each other alone."""
        if most < _NEGLIGIBLE or self._are_in_line(parts):
            return
        weight = apart = 0.0
        for start in self._starts if len(parts) > 1 and len(self._possible) <= _FEW else self._starts[:1]:
            moved = [_evaluate(self._scene, part, start.east, start.north) for part in parts]
            places = _descend_all(self._scene, parts, moved, self._baseline, _NEAR)
            point = places[0].point
            if flat(point, self._middle) <= 1.5 * self._baseline:
                cost = sum(place.cost for place in places) + disagreement_of(
                    self._problem, self._losses, point
                )
                likely = exp(min(most - cost, 20.0) / 2)
                if likely > weight:
                    weight, apart = likely, flat(point, self._found.point)
        self._weights += weight
        self._squares += weight * apart**2


def _pairs(stamps: list[Stamp]) -> list[list[Stamp]]:
    """Two that may be wrong by the same; of four that is the same as if the other two were."""
    if len(stamps) < 4:
        return []
    pairs = [list(pair) for pair in combinations(stamps, 2)]
    return pairs[:3] if len(stamps) == 4 else pairs


def _mean_sigma(stamps: list[Stamp]) -> float:
    return 1 / sqrt(sum(1 / stamp.sigma**2 for stamp in stamps))


def _fix(scene: Scene, stamps: list[Stamp], place: _Place, excluded: list[int], doubt: float) -> Fix | Reason:
    """`doubt` in square metres."""
    covariance = _covariance(stamps, place)
    if covariance is None:
        return "colinear"
    factor = _UNCHECKED if len(stamps) == 3 else sqrt(max(1.0, _chi(stamps, place)))
    xx, yy, xy = (value * factor**2 for value in covariance[:3])
    shape = ellipse_of(xx + doubt / 2, yy + doubt / 2, xy)
    latitude, longitude = scene.plane.degrees(place.point)
    return Fix(
        "TDOA",
        latitude,
        longitude,
        scene.ground,
        hypot(shape.major, shape.minor),
        shape.major,
        shape.minor,
        shape.azimuth,
        _dilution(stamps, place),
        tuple(stamp.station for stamp in stamps),
        tuple(excluded),
    )
