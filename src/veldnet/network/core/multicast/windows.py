"""When which base station sends a frame of a multicast group.

Class C: base stations nearer to each other than the plan's collision distance must not send at once, so they
get different slots, one after the other (a colouring of their graph). Class B: all send in the same ping slot
by GPS time; the same wave from several places adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, radians

import msgspec

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.radio import TransmitWindow

from .group import GroupContext, frequency_of, ping_slot, slot_length
from .queue import pending
from .state import Sending

Place = tuple[float, float]
_METRES_A_DEGREE = 111_195.0


class Planned(msgspec.Struct, frozen=True, gc=False):
    """A base station's turn: it is handed the frame at `at` (Unix seconds), and may have it until `until`."""

    at: float
    until: float
    window: TransmitWindow


def slots(
    stations: Sequence[BaseStationId], places: Mapping[BaseStationId, Place], distance: float
) -> dict[BaseStationId, int]:
    """A slot for each base station, none the same as that of a neighbour within `distance` metres: those with
    most neighbours first. One whose place is not known may be anybody's neighbour."""
    known = [station for station in stations if station in places]
    neighbours: dict[BaseStationId, set[BaseStationId]] = {station: set() for station in known}
    points = {station: places[station] for station in known}
    for index, one in enumerate(known):
        north, east = points[one]
        for other in known[index + 1 :]:
            if _metres(north, east, points[other]) < distance:
                neighbours[one].add(other)
                neighbours[other].add(one)
    found: dict[BaseStationId, int] = {}
    for station in sorted(known, key=lambda each: (-len(neighbours[each]), int(each))):
        taken = {found[other] for other in neighbours[station] if other in found}
        found[station] = next(slot for slot in range(len(known)) if slot not in taken)
    following = max(found.values(), default=-1) + 1
    for station in stations:
        if station not in found:
            found[station] = following
            following += 1
    return found


def _metres(north: float, east: float, other: Place) -> float:
    """Distance over the ground, near enough for places some kilometres apart."""
    up = (other[0] - north) * _METRES_A_DEGREE
    across = (other[1] - east + 180.0) % 360.0 - 180.0
    along = across * _METRES_A_DEGREE * cos(radians((north + other[0]) / 2))
    return float((up * up + along * along) ** 0.5)


def plan_attempt(
    context: GroupContext, sending: Sending, places: Mapping[BaseStationId, Place]
) -> list[Planned]:
    """The turns of the base stations that have still to send the frame."""
    stations = pending(sending)
    if context.row.group_class == "B":
        return _in_ping_slot(context, sending, stations)
    assert context.plan is not None
    length = slot_length(context, sending)
    turn = slots(stations, places, context.plan.multicastCollisionDistance)
    planned = []
    for station in sorted(stations, key=lambda each: (turn[each], int(each))):
        at = context.now + turn[station] * length
        planned.append(Planned(at, at + length, _window(context, station, at, None)))
    return planned


def _in_ping_slot(
    context: GroupContext, sending: Sending, stations: Sequence[BaseStationId]
) -> list[Planned]:
    lead = context.network.class_b_lead
    slot = ping_slot(context, sending, unix_to_gps(context.now) + lead + 2 * context.network.lead)
    opens_at = gps_to_unix(slot)
    return [
        Planned(opens_at - lead, opens_at, _window(context, station, opens_at, slot)) for station in stations
    ]


def _window(
    context: GroupContext, station: BaseStationId, opens_at: float, slot: float | None
) -> TransmitWindow:
    region = context.region
    assert region is not None
    frequency = frequency_of(context.row, region, slot)
    return TransmitWindow(
        station,
        2 if slot is None else 3,
        frequency,
        context.modulation,
        opens_at,
        region.downlink_power(frequency),
        gps_time=slot,
        region=region.name,
    )
