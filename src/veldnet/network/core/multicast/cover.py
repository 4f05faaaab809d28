"""Which base stations cover the members of a multicast group: few that together reach all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush

import msgspec

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import SNR_FLOOR, Modulation
from veldnet.network.core.candidates import floor

# Decibels that a base station must have to spare towards a member.
MARGIN = 5.0


class Heard(msgspec.Struct, frozen=True, gc=False):
    """How a base station hears a device: `margin` is the mean in dB above what the slowest data rate needs,
    None where it is not known."""

    device_ref: int
    base_station: BaseStationId
    margin: float | None


class Cover(msgspec.Struct, frozen=True, gc=False):
    """The base stations in the order in which they were chosen; `weak` members are heard, but by no base
    station with the margin wanted, `unheard` ones by none."""

    stations: tuple[BaseStationId, ...]
    weak: tuple[int, ...]
    unheard: tuple[int, ...]


def needed_margin(modulation: Modulation) -> float:
    """What `Heard.margin` must be for a downlink with a modulation to arrive with `MARGIN` to spare."""
    return floor(modulation) - SNR_FLOOR[12] + MARGIN


def cover(members: Iterable[int], heard: Iterable[Heard], modulation: Modulation) -> Cover:
    """A greedy cover: again and again the base station that reaches most members who are not yet reached; of
    equal ones that with the higher median margin. A member whom nobody reaches well is left to the one that
    hears it best."""
    wanted = set(members)
    needed = needed_margin(modulation)
    margins: dict[BaseStationId, dict[int, float]] = {}
    best: dict[int, tuple[float, BaseStationId]] = {}
    for each in heard:
        if each.device_ref not in wanted:
            continue
        margin = needed if each.margin is None else each.margin
        known = best.get(each.device_ref)
        if known is None or (margin, -int(each.base_station)) > (known[0], -int(known[1])):
            best[each.device_ref] = (margin, each.base_station)
        if margin >= needed:
            margins.setdefault(each.base_station, {})[each.device_ref] = margin
    weak = [member for member, (margin, _station) in best.items() if margin < needed]
    for member in weak:
        margin, station = best[member]
        margins.setdefault(station, {})[member] = margin
    chosen = _greedy(margins, set(best))
    return Cover(tuple(chosen), tuple(sorted(weak)), tuple(sorted(wanted - set(best))))


def _greedy(margins: Mapping[BaseStationId, dict[int, float]], left: set[int]) -> list[BaseStationId]:
    chosen: list[BaseStationId] = []
    # Gains only shrink, so a base station that still has the gain it is listed with is the best one.
    queue = [(-len(reached), -_median(reached), int(station)) for station, reached in margins.items()]
    heapify(queue)
    while left and queue:
        listed, median, number = heappop(queue)
        station = BaseStationId(number)
        gain = sum(member in left for member in margins[station])
        if gain == -listed:
            chosen.append(station)
            left -= margins[station].keys()
        elif gain:
            heappush(queue, (-gain, median, number))
    return chosen


def _median(reached: Mapping[int, float]) -> float:
    ordered = sorted(reached.values())
    return ordered[len(ordered) // 2]
