"""Plans the sessions of groups: when one begins, and how fast its fragments follow each other.

A base station sends for several campaigns at a time where their shares leave room; where they do not, one
session waits for the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

import msgspec
import structlog
from sqlalchemy import Connection, insert, select, update

from veldnet.domain.documents import PlanSettings, decode_plan
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.airtime import time_on_air
from veldnet.network.core.multicast import Heard, cover, data_rate_of, slots
from veldnet.store import multicast
from veldnet.store.schema import campaign_devices, campaign_sessions, campaigns, connectivity_plans

from .capacity import TELL, estimate, reach_of
from .group_work import CampaignGroup, Regions, read_group
from .machine import FRAME_OVERHEAD
from .records import UNFINISHED
from .sessions import Need, due_fragments, fragment_at, fragments_for, plan_session
from .states import Plan, Session, read_options

log = structlog.get_logger(__name__)

# Seconds between frames of neighbours, and for what a ping slot is prepared ahead of time.
_APART, _AHEAD = 0.5, 6.0
# A session begins beside others with this part of its share at least; with less it waits for one to end.
_LEAST = 0.1


class Pace(msgspec.Struct, frozen=True):
    """Base stations that send each fragment of a group, how long that takes in seconds, and the milliseconds
    that must be between two."""

    stations: tuple[BaseStationId, ...]
    airtime: float
    shortest: int

    def spacing(self, share: float) -> int:
        """Milliseconds from one fragment to the next, where each may send for a share from 0 to 1."""
        return max(self.shortest, ceil(1000 * self.airtime / share))


class Taken(msgspec.Struct, frozen=True):
    """What a session takes of base stations: a share from 0 to 1 of their time, until then."""

    stations: frozenset[BaseStationId]
    share: float
    until: int


class Around(msgspec.Struct, frozen=True):
    """When a session is planned, beside what: until when base stations have questions of campaigns to send;
    Unix milliseconds."""

    now: int
    regions: Regions
    busy_until: Mapping[int, float]


def plan_next(connection: Connection, plan: Plan, group: CampaignGroup, need: Need, around: Around) -> bool:
    """Write the next session and let the devices that wait be told of it; where no more come, they get by
    themselves what they need. Returns whether there is one."""
    options, before = plan.options.group, group.session
    another = options is not None and (before is None or before.number < options.sessions)
    if another:
        pace = pace_of(connection, plan.options.fragment_size, group)
        taken = _taken(connection, group.campaign_ref, around)
        told = _told(connection, plan, group, need, around)
        session = beside(plan, need, before, pace, taken, told)
        row = msgspec.structs.asdict(session) | {"campaign_ref": group.campaign_ref}
        connection.execute(insert(campaign_sessions).values(row))
    columns = campaign_devices.c
    connection.execute(
        update(campaign_devices)
        .where(columns.campaign_ref == group.campaign_ref, columns.state == "waitingSession")
        .where(columns.due_at.is_not(None))
        .values(due_at=around.now)
    )
    return another


def beside(
    plan: Plan, need: Need, before: Session | None, pace: Pace, taken: Sequence[Taken], now: int
) -> Session:
    """The session that is over first: beside those of other campaigns, slower, or once some of them have
    ended. All that send at a time share what this campaign may use of a base station."""
    group, share = plan.options.group, plan.options.duty_cycle_share / 100
    assert group is not None
    ours = [each for each in taken if each.stations.intersection(pace.stations)]
    found: list[Session] = []
    for at in sorted({now, *(max(now, each.until - group.lead * 1000) for each in ours)}):
        left = share - _most(pace.stations, (each for each in ours if each.until > at + group.lead * 1000))
        if left >= _LEAST * share:
            found.append(plan_session(plan, need, before, pace.spacing(left), at))
    fragments = len(fragments_for(plan, need, before))
    return min(found, key=lambda each: each.starts_at + fragments * each.spacing)


def _most(stations: Iterable[BaseStationId], taken: Iterable[Taken]) -> float:
    """The largest share that is taken of one of the base stations."""
    by_station: dict[BaseStationId, float] = {}
    for each in taken:
        for station in each.stations:
            by_station[station] = by_station.get(station, 0.0) + each.share
    return max((by_station.get(station, 0.0) for station in stations), default=0.0)


def _taken(connection: Connection, but: int, around: Around) -> list[Taken]:
    """By the sessions of all other campaigns, whosever they are."""
    columns = campaigns.c
    others = connection.execute(
        select(columns.ref, columns.group_ref, columns.options, columns.state).where(
            columns.state.in_(UNFINISHED),
            columns.group_ref.is_not(None),
            columns.ref != but,
            # What cannot be worked on sends nothing.
            columns.failure.is_(None),
        )
    ).all()
    found = []
    for ref, group_ref, stored, state in others:
        try:
            taken = _taken_by(connection, ref, group_ref, stored, around, paused=state == "paused")
        except (ValueError, LookupError, ArithmeticError, msgspec.MsgspecError) as error:
            # What is wrong with one campaign, perhaps of another subscriber, does not hold up this one.
            log.warning("campaign_beside_unreadable", campaign=ref, error=repr(error))
            continue
        if taken is not None:
            found.append(taken)
    return found


def _taken_by(
    connection: Connection, ref: int, group_ref: int, stored: str, around: Around, *, paused: bool
) -> Taken | None:
    group = read_group(connection, ref, group_ref, around.regions)
    if group is None or group.session is None or group.session.over(around.now):
        return None
    pace = pace_of(connection, read_options(stored).fragment_size, group)
    share = 1000 * pace.airtime / group.session.spacing
    until = _busy_until(group.session, around.now, paused=paused)
    return Taken(frozenset(pace.stations), share, until)


def _busy_until(session: Session, now: int, *, paused: bool) -> int:
    """When a session has sent its last fragment; what is late comes until its end."""
    if paused or len(due_fragments(session, now, session.last)) > 1:
        return session.ends_at
    return min(session.ends_at, fragment_at(session, session.last) + session.spacing)


def _told(connection: Connection, plan: Plan, group: CampaignGroup, need: Need, around: Around) -> int:
    """Until when base stations have air time to tell the devices that wait of a session."""
    share = plan.options.duty_cycle_share / 100
    rows = multicast.hearing_of_members(connection, group.row.ref)
    reach = reach_of(group.channel_plan, (Heard(d, BaseStationId(s), margin) for d, s, margin in rows))
    seconds = estimate(group.channel_plan, reach, need.waiting, TELL, share).seconds
    stations = {station for each in reach.values() for station in each.stations}
    begins = max((around.busy_until.get(station, 0.0) for station in stations), default=0.0)
    return max(around.now, round(begins)) + seconds * 1000


def pace_of(connection: Connection, fragment_size: int, group: CampaignGroup) -> Pace:
    """All base stations must have had their turn from one fragment to the next."""
    row, region = group.row, group.channel_plan.region
    modulation = region.downlink[group.terms.data_rate].modulation
    airtime = time_on_air(modulation, fragment_size + FRAME_OVERHEAD, crc=False) / 1000
    places = _chosen(connection, group)
    if row.ping_period is not None:
        return Pace(tuple(places), airtime, ceil(1000 * (row.ping_period + _AHEAD)))
    rules = _rules(connection, row.plan_ref)
    known = {station: place for station, place in places.items() if place is not None}
    turn = slots(tuple(places), known, rules.multicastCollisionDistance)
    turns = max(turn.values(), default=0) + 1
    length = max(airtime + _APART, float(rules.multicastInterLrrDelay))
    return Pace(tuple(places), airtime, ceil(1000 * (turns * length + 1)))


def _rules(connection: Connection, plan_ref: int | None) -> PlanSettings:
    query = select(connectivity_plans.c.settings).where(connectivity_plans.c.ref == plan_ref)
    found = connection.execute(query).scalar()
    return PlanSettings() if found is None else decode_plan(found)


def _chosen(connection: Connection, group: CampaignGroup) -> dict[BaseStationId, tuple[float, float] | None]:
    """Base stations that send for a group, and where they stand."""
    row, region = group.row, group.channel_plan.region
    listed = multicast.stations_of_group(connection, row)
    ours = {BaseStationId.parse(each.base_station): each.place for each in listed}
    if row.coverage != "MEMBERS":
        return ours
    heard = [
        Heard(device, BaseStationId(station), margin)
        for device, station, margin in multicast.hearing_of_members(connection, row.ref)
        if BaseStationId(station) in ours
    ]
    members = multicast.members_of_group(connection, row.ref)
    modulation = region.downlink[data_rate_of(row, region)].modulation
    return {station: ours[station] for station in cover(members, heard, modulation).stations}
