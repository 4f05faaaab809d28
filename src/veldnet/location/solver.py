"""One problem solved: by time where that is asked for and gives a place, else by power, then taken into the
track."""

from __future__ import annotations

from math import exp, hypot, sqrt

from msgspec.structs import replace

from . import power, timing
from .model import Answer, Clocks, Fix, Problem, Reason, Refusal
from .plane import Point, flat
from .scene import Scene, scene_of
from .track import follow

# Sigmas by which a place from few base stations may be away from what received power says.
_APART = 3.0
# From so many on, arrival times check themselves.
_CHECKED = 5
# How likely it is that arrival times which agree with each other are wrong all the same, by how few they are.
_WRONG = {3: 0.05, 4: 0.02, 5: 0.01, 6: 0.003}
# From so many levels on a place is fitted to them, and its sigma is so many times that of least squares: with
# that the errors of the simulated city have the mean square that is said of them.
_FITTED, _SHADOWED = 3, 1.2


def solve(problem: Problem) -> Answer:
    """Where the device was when it sent the frame. Never raises for what base stations say."""
    scene = scene_of(problem)
    if scene is None:
        return Answer(track=problem.track, refusal=Refusal("no_base_stations", "no_base_stations"))
    by_time: Fix | Reason | None = None
    by_power: Fix | Reason | None = None
    clocks = Clocks()
    if problem.algorithm != "RSSI":
        by_time, clocks = timing.locate(problem, scene)
    if not isinstance(by_time, Fix):
        needed = problem.algorithm != "TDOA"
    else:
        # Times that enough base stations confirm do not depend on power.
        needed = not _is_checked(by_time) or len(by_time.used) in _WRONG
    if needed:
        by_power = power.locate(problem, scene)
    if isinstance(by_time, Fix) and isinstance(by_power, Fix):
        if _contradict(scene, by_time, by_power):
            by_time = "inconsistent"
            # That they agree is chance.
            clocks = Clocks((), clocks.wrong, clocks.suspects or clocks.right)
        else:
            by_time = _widened(scene, by_time, by_power)
    return replace(_answer(problem, by_time, by_power), clocks=clocks)


def _answer(problem: Problem, by_time: Fix | Reason | None, by_power: Fix | Reason | None) -> Answer:
    if isinstance(by_time, Fix):
        return _tracked(problem, by_time, None)
    if problem.algorithm != "TDOA" and isinstance(by_power, Fix):
        return _tracked(problem, _shadowed(by_power), None if by_time is None else Refusal(by_time))
    why = by_power if problem.algorithm != "TDOA" and not isinstance(by_power, Fix) else None
    return Answer(track=problem.track, refusal=Refusal(by_time, why))


def _shadowed(by_power: Fix) -> Fix:
    if len(by_power.used) < _FITTED:
        return by_power
    radius, major, minor = (_SHADOWED * each for each in (by_power.radius, by_power.major, by_power.minor))
    return replace(by_power, radius=radius, major=major, minor=minor)


def _is_checked(by_time: Fix) -> bool:
    """Whether so many time stamps agree, and no other was left out, that nothing else need confirm them."""
    return len(by_time.used) >= _CHECKED and not by_time.excluded


def _contradict(scene: Scene, by_time: Fix, by_power: Fix) -> bool:
    """Whether a place that few time stamps give, or not all, is where power says that the device cannot
    be."""
    if _is_checked(by_time):
        return False
    there = _point(scene, by_time)
    return flat(there, _point(scene, by_power)) > _APART * hypot(by_time.radius, by_power.radius)


def _widened(scene: Scene, by_time: Fix, by_power: Fix) -> Fix:
    """A place that few time stamps give is as uncertain as power, which says another one, makes it: two wrong
    clocks of four can agree with the others anywhere. More of them are doubted only as far as power says
    something else."""
    wrong = _WRONG.get(len(by_time.used))
    if wrong is None:
        return by_time
    apart = flat(_point(scene, by_time), _point(scene, by_power))
    against = exp(min((apart / by_power.radius) ** 2 / 2, 10.0))
    weight = wrong * (against if len(by_time.used) < _CHECKED else against - 1)
    # If they are wrong it is where power says, as far as power can tell.
    doubt = weight / (1 + weight) * (apart**2 + by_power.radius**2)
    major, minor = (sqrt(axis**2 + doubt / 2) for axis in (by_time.major, by_time.minor))
    return replace(by_time, radius=hypot(major, minor), major=major, minor=minor)


def _point(scene: Scene, fix: Fix) -> Point:
    return scene.plane.point(fix.latitude, fix.longitude)


def _tracked(problem: Problem, fix: Fix, refusal: Refusal | None) -> Answer:
    track, filtered = follow(problem.track, fix, problem.at, problem.motion.speed)
    if filtered is None:
        return Answer(raw=fix, track=track, refusal=Refusal("unfiltered"))
    return Answer(filtered, fix, track, refusal)
