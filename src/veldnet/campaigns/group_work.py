"""The group of a campaign in the store: its terms, its sessions, and whether one is to be planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, update

from veldnet.domain.groups import GroupRow
from veldnet.lorawan import DevAddr
from veldnet.lorawan.regions import ChannelPlan, Region
from veldnet.network.core.multicast import data_rate_of, frequency_of
from veldnet.store import multicast
from veldnet.store.schema import campaign_devices, campaign_sessions

from .sessions import Need
from .states import GroupTerms, Plan, Session

Regions = Mapping[str, ChannelPlan]
# States of devices that may still come to wait for a session.
_ON_THE_WAY = ("pending", "joiningGroup", "settingUp", "sessionAsked", "listening", "statusAsked")
# Those who have been silent hold up a session where they are more than one in so many of those who wait:
# there is time until it begins, and they can be told of it until then.
_FEW = 10
_SESSIONS: Select[Any] = select(
    campaign_sessions.c.campaign_ref, *(campaign_sessions.c[name] for name in Session.__struct_fields__)
)


class CampaignGroup(msgspec.Struct, frozen=True):
    """The group of a campaign and its newest session."""

    campaign_ref: int
    row: GroupRow
    channel_plan: ChannelPlan
    terms: GroupTerms
    session: Session | None


def terms_of(row: GroupRow, region: Region) -> GroupTerms:
    slot = None if row.group_class == "C" else 0.0
    return GroupTerms(
        DevAddr(row.dev_addr),
        frequency_of(row, region, slot),
        data_rate_of(row, region),
        None if row.ping_period is None else row.ping_period.bit_length() - 1,
    )


def read_group(
    connection: Connection, campaign_ref: int, group_ref: int, regions: Regions
) -> CampaignGroup | None:
    """None where the group or its region is gone."""
    row = multicast.group_by_ref(connection, group_ref)
    if row is None or row.region not in regions:
        return None
    channel_plan = regions[row.region]
    terms = terms_of(row, channel_plan.region)
    return CampaignGroup(campaign_ref, row, channel_plan, terms, newest(connection, campaign_ref))


def newest(connection: Connection, campaign_ref: int) -> Session | None:
    query = _SESSIONS.where(campaign_sessions.c.campaign_ref == campaign_ref)
    row = connection.execute(query.order_by(campaign_sessions.c.number.desc()).limit(1)).first()
    return None if row is None else Session(*row[1:])


def sessions_of(connection: Connection, campaign_refs: Sequence[int]) -> dict[int, list[Session]]:
    """Sessions by campaign, the first one first."""
    found: dict[int, list[Session]] = {}
    if campaign_refs:
        columns = campaign_sessions.c
        query = _SESSIONS.where(columns.campaign_ref.in_(campaign_refs))
        for row in connection.execute(query.order_by(columns.campaign_ref, columns.number)):
            found.setdefault(row.campaign_ref, []).append(Session(*row[1:]))
    return found


def note_sent(connection: Connection, campaign_ref: int, number: int, sent: int) -> None:
    columns = campaign_sessions.c
    connection.execute(
        update(campaign_sessions)
        .where(columns.campaign_ref == campaign_ref, columns.number == number)
        .values(sent=sent)
    )


def patience_ends(plan: Plan, session: Session | None, begun: int) -> int:
    """Until when the next session is put off for devices that are on the way to it."""
    gathering = 0 if plan.options.group is None else plan.options.group.gathering
    return (begun if session is None else session.ends_at) + gathering * 1000


def due_for_planning(
    connection: Connection, campaign_ref: int, plan: Plan, session: Session | None, begun: int, now: int
) -> Need | None:
    """What the devices need that wait for the next session, once it is to be planned: nobody is on the way to
    it any more but a few that were silent, or they have waited long enough. `begun` is when the campaign
    began."""
    group = plan.options.group
    if group is None or (session is not None and not session.over(now)):
        return None
    columns = campaign_devices.c
    counted: dict[str, tuple[int, int, int]] = {}
    on_the_way = fresh = 0
    query = select(
        columns.state,
        func.count(),
        func.count().filter(columns.tries < 1),
        func.count(columns.missing),
        func.coalesce(func.max(columns.missing), 0),
    ).where(columns.campaign_ref == campaign_ref, columns.due_at.is_not(None))
    for state, count, new, said, most in connection.execute(query.group_by(columns.state)):
        counted[state] = count, said, most
        if state in _ON_THE_WAY:
            on_the_way, fresh = on_the_way + count, fresh + new
    waiting, said, missing = counted.get("waitingSession", (0, 0, 0))
    held_up = fresh > 0 or on_the_way * _FEW > waiting
    if not waiting or (held_up and now < patience_ends(plan, session, begun)):
        return None
    return Need(waiting, said < waiting, missing)
