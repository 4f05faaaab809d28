"""Fine time stamps of one frame: how far light went until each, and which cannot be of the same frame."""

from __future__ import annotations

from itertools import combinations
from math import hypot
from typing import NamedTuple

from .model import LIGHT, Hearing
from .plane import Point, distance
from .scene import Scene

# Seconds between time stamps of one frame beyond which they are of different moments.
_APART = 1
# Metres of timing noise at an SNR of 0 dB, and at most.
_NOISE, _MOST_NOISE = 15.0, 300.0


class Stamp(NamedTuple):
    """An arrival: `range` is how far light goes until then, in metres after the first of all, `sigma`
    metres. The clock of a `doubted` one is known to be wrong."""

    station: int
    place: Point
    range: float
    sigma: float
    doubted: bool = False


class Possible(NamedTuple):
    """Stamps, and the base stations whose stamps cannot be of the same frame; of these `wrong` are those
    that contradict several which do not contradict each other, and one of `suspects` is wrong."""

    stamps: list[Stamp]
    excluded: list[int]
    wrong: list[int]
    suspects: list[int]


def stamps_of(scene: Scene, timing: float) -> list[Stamp]:
    """What has a fine time stamp, after the first."""
    timed = [each.hearing for each in scene.seen if each.hearing.fine is not None]
    if not timed:
        return []
    # The second that most say: others have a wrong clock.
    trusted = [each for each in timed if not each.doubted] or timed
    seconds = sorted(each.fine[0] for each in trusted if each.fine is not None)
    second = seconds[len(seconds) // 2]
    stamps = []
    for place, hearing in ((each.place, each.hearing) for each in scene.seen):
        if hearing.fine is None:
            continue
        whole, fraction = hearing.fine
        if abs(whole - second) > _APART:
            range_ = float("inf")
        else:
            range_ = ((whole - second) * 1_000_000_000 + fraction - hearing.clock) * LIGHT
        stamps.append(Stamp(hearing.station, place, range_, _sigma(hearing, timing), hearing.doubted))
    first = min(stamp.range for stamp in stamps)
    return [stamp._replace(range=stamp.range - first) for stamp in stamps]


def _sigma(hearing: Hearing, timing: float) -> float:
    noise = _NOISE if hearing.snr is None else _NOISE * 10 ** (-hearing.snr / 20)
    return hypot(timing, min(max(noise, 1.0), _MOST_NOISE))


def possible(stamps: list[Stamp]) -> Possible:
    """Without the stamps of which no place can be the reason: two differ by more than light takes between
    their base stations."""
    stamps = list(stamps)
    excluded: list[int] = []
    wrong: list[int] = []
    suspects: list[int] = []
    while True:
        votes = [0] * len(stamps)
        for (i, a), (j, b) in combinations(enumerate(stamps), 2):
            most = distance(a.place, b.place) + 3 * hypot(a.sigma, b.sigma)
            # Not `>`: of two infinite ranges the difference is no number.
            if not abs(a.range - b.range) <= most:
                votes[i] += 1
                votes[j] += 1
        worst = max(votes, default=0)
        if worst == 0:
            # One of two says nothing of the other.
            return Possible(stamps, excluded, wrong if len(stamps) > 1 else [], suspects)
        guilty = [i for i, count in enumerate(votes) if count == worst]
        if len(guilty) > 1 and not (worst > 1 and len(guilty) * 2 <= len(stamps)):
            # Nothing tells which of them is wrong: none is believed.
            suspects = suspects or [stamps[i].station for i in guilty]
            excluded += [stamps[i].station for i in guilty]
            stamps = [stamp for i, stamp in enumerate(stamps) if i not in guilty]
        else:
            excluded.append(stamps.pop(guilty[0]).station)
            wrong.append(excluded[-1])
