"""Multicast groups of a subscriber as they are shown."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, Select, func, or_, select

from veldnet.domain.errors import NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory.routing_profiles import profile_id
from veldnet.inventory.rows import ref_of
from veldnet.lorawan import DevAddr
from veldnet.store import readable
from veldnet.store.expressions import with_text
from veldnet.store.schema import (
    connectivity_plans,
    hsm_groups,
    multicast_frames,
    multicast_groups,
    multicast_members,
    routing_profiles,
)

from .frames import STATUSES, frame_records
from .resource import Coverage, GroupPage, MulticastGroup

_TAGS = msgspec.json.Decoder(list[str])


class GroupRecord(msgspec.Struct, frozen=True):
    """A group with what it names, and the last frame that it was sent."""

    ref: int
    dev_eui: str
    dev_addr: int
    name: str
    group_class: str
    ping_period: int | None
    frequency: int | None
    data_rate: int | None
    region: str
    plan_ref: int | None
    routing_profile_ref: int | None
    coverage: Coverage
    tags: str
    created_at: int
    updated_at: int
    updated_by: str
    plan_id: str | None
    is_dummy: bool | None
    members: int
    encrypted: bool
    last_frame: int | None
    # The HSM group whose vault has made the keys, and the name of that vault.
    hsm_group_id: str | None
    hsm_vault: str | None


def _query() -> Select[Any]:
    groups = multicast_groups.c
    members = select(func.count()).where(multicast_members.c.group_ref == groups.ref).scalar_subquery()
    last = (
        select(func.max(multicast_frames.c.id))
        .where(multicast_frames.c.group_ref == groups.ref, multicast_frames.c.fcnt.is_not(None))
        .scalar_subquery()
    )
    own = [groups[name] for name in GroupRecord.__struct_fields__[:16]]
    return (
        select(
            *own,
            connectivity_plans.c.id.label("plan_id"),
            routing_profiles.c.is_dummy.label("is_dummy"),
            members.label("members"),
            groups.hsm_group_ref.is_not(None).label("encrypted"),
            last.label("last_frame"),
            hsm_groups.c.id.label("hsm_group_id"),
            hsm_groups.c.vault.label("hsm_vault"),
        )
        .select_from(multicast_groups)
        .join(connectivity_plans, connectivity_plans.c.ref == groups.plan_ref, isouter=True)
        .join(routing_profiles, routing_profiles.c.ref == groups.routing_profile_ref, isouter=True)
        .join(hsm_groups, hsm_groups.c.ref == groups.hsm_group_ref, isouter=True)
    )


def _records(connection: Connection, query: Select[Any]) -> list[GroupRecord]:
    return [GroupRecord(*row) for row in connection.execute(query)]


def own_group(connection: Connection, scope: Scope, ref: str) -> GroupRecord:
    """A group of the subscriber, by ref or as `e<DevEUI>`. Raises `NotFound`."""
    query = _query().where(multicast_groups.c.subscriber_ref == scope.subscriber_ref)
    if ref[:1] in ("e", "E") and len(ref) == 17:
        query = query.where(multicast_groups.c.dev_eui == ref[1:].upper())
    else:
        query = query.where(multicast_groups.c.ref == ref_of(ref))
    found = _records(connection, query)
    if not found:
        raise NotFound("MulticastGroup", ref)
    return found[0]


def list_groups(
    connection: Connection, scope: Scope, text: str | None = None, *, offset: int = 0, limit: int = 100
) -> GroupPage:
    """The subscriber's groups in the order of their names, those whose name or DevEUI has a text."""
    chosen = [multicast_groups.c.subscriber_ref == scope.subscriber_ref]
    if text:
        columns = (multicast_groups.c.name, multicast_groups.c.dev_eui)
        chosen.append(or_(*(with_text(column, text) for column in columns)))
    total = connection.execute(select(func.count()).select_from(multicast_groups).where(*chosen)).scalar_one()
    query = _query().where(*chosen).order_by(multicast_groups.c.name, multicast_groups.c.ref)
    records = _records(connection, query.offset(offset).limit(limit))
    return GroupPage(_shown(connection, scope, records), total)


def get_group(connection: Connection, scope: Scope, ref: str) -> MulticastGroup:
    """Raises `NotFound`."""
    return _shown(connection, scope, [own_group(connection, scope, ref)])[0]


def _shown(connection: Connection, scope: Scope, records: list[GroupRecord]) -> list[MulticastGroup]:
    newest = [record.last_frame for record in records if record.last_frame is not None]
    frames = {row.id: row for row in frame_records(connection, newest)}

    def resource(record: GroupRecord) -> MulticastGroup:
        group = configuration(scope, record)
        last = None if record.last_frame is None else frames.get(record.last_frame)
        if last is not None:
            group.lastFCntDown = UNSET if last.fcnt is None else last.fcnt
            group.lastDownlinkTime = timestamp(last.updated_at)
            group.lastDownlinkStatus = STATUSES[last.state]
        return group

    return [resource(record) for record in records]


def configuration(scope: Scope, record: GroupRecord) -> MulticastGroup:
    """What people have said of a group, with the reason where its tags cannot be read."""
    group = _configuration(scope, record)

    def tagged(record: GroupRecord) -> MulticastGroup:
        group.baseStationTags = _TAGS.decode(record.tags)
        return group

    def damaged(_record: GroupRecord, problem: str) -> MulticastGroup:
        group.problem = problem
        return group

    return next(readable("multicast_group", [record], tagged, damaged))


def _configuration(scope: Scope, record: GroupRecord) -> MulticastGroup:
    routing = record.routing_profile_ref
    return MulticastGroup(
        ref=str(record.ref),
        name=record.name,
        EUI=record.dev_eui,
        networkAddress=str(DevAddr(record.dev_addr)),
        deviceClass="B" if record.group_class == "B" else "C",
        pingSlotPeriod=record.ping_period,
        downlinkFrequency=None if record.frequency is None else record.frequency / 1_000_000,
        downlinkDataRate=record.data_rate,
        region=record.region,
        connectivityPlanId=UNSET if record.plan_id is None else record.plan_id,
        routingProfileId=None
        if routing is None
        else profile_id(scope.customer_id, routing, bool(record.is_dummy)),
        baseStationCoverage=record.coverage,
        hsmGroupId=UNSET if record.hsm_group_id is None else record.hsm_group_id,
        payloadEncrypted=bool(record.encrypted),
        memberCount=record.members,
        creationTime=timestamp(record.created_at),
        lastUpdateTime=timestamp(record.updated_at),
        lastUpdateUser=record.updated_by,
    )
