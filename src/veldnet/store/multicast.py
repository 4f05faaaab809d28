"""Multicast groups as the network server reads them: rows, addresses, base stations, members."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, select

from veldnet.domain.groups import GroupRow

from .schema import (
    base_station_tags,
    base_stations,
    hearing,
    multicast_groups,
    multicast_members,
    subscribers,
)

_TAGS = msgspec.json.Decoder(list[str])


class GroupStation(msgspec.Struct, frozen=True):
    """A base station of the operator by its id, and where it stands, in degrees."""

    base_station: str
    place: tuple[float, float] | None


_ELSEWHERE = {"operator_ref": subscribers.c.operator_ref, "customer_id": subscribers.c.customer_id}
_GROUP: Select[Any] = select(
    *(
        (_ELSEWHERE[name] if name in _ELSEWHERE else multicast_groups.c[name]).label(name)
        for name in GroupRow.__struct_fields__
    )
).join(subscribers, subscribers.c.ref == multicast_groups.c.subscriber_ref)


def _groups_where(connection: Connection, condition: ColumnElement[bool]) -> list[GroupRow]:
    query = _GROUP.where(condition).order_by(multicast_groups.c.ref)
    return [GroupRow(*row) for row in connection.execute(query)]


def group_by_dev_eui(connection: Connection, dev_eui: str) -> GroupRow | None:
    return next(iter(_groups_where(connection, multicast_groups.c.dev_eui == dev_eui)), None)


def group_by_ref(connection: Connection, ref: int) -> GroupRow | None:
    return next(iter(_groups_where(connection, multicast_groups.c.ref == ref)), None)


def groups_of_subscriber(connection: Connection, subscriber_ref: int) -> list[GroupRow]:
    """By their refs."""
    return _groups_where(connection, multicast_groups.c.subscriber_ref == subscriber_ref)


def busy_groups(connection: Connection, partitions: Collection[int] | None) -> list[int]:
    """Groups for which something waits or is being sent, of some partitions; None for all."""
    query = select(multicast_groups.c.ref).where(multicast_groups.c.busy.is_not(None))
    if partitions is not None:
        query = query.where(multicast_groups.c.partition.in_(sorted(partitions)))
    return list(connection.execute(query.order_by(multicast_groups.c.ref)).scalars())


def group_addresses(connection: Connection) -> frozenset[int]:
    """The addresses of all groups, which no session may have."""
    return frozenset(connection.execute(select(multicast_groups.c.dev_addr)).scalars())


def stations_of_group(connection: Connection, group: GroupRow) -> list[GroupStation]:
    """The base stations that a group may use: all of the operator, or those that have one of its tags. Raises
    `msgspec.DecodeError` where these cannot be read."""
    query = select(base_stations.c.id, base_stations.c.latitude, base_stations.c.longitude).where(
        base_stations.c.operator_ref == group.operator_ref
    )
    if group.coverage == "TAGS":
        stored = connection.execute(
            select(multicast_groups.c.tags).where(multicast_groups.c.ref == group.ref)
        ).scalar()
        tagged = select(base_station_tags.c.base_station_ref).where(
            base_station_tags.c.tag.in_(_TAGS.decode(stored or "[]"))
        )
        query = query.where(base_stations.c.ref.in_(tagged))
    return [
        GroupStation(
            row.id,
            None if row.latitude is None or row.longitude is None else (row.latitude, row.longitude),
        )
        for row in connection.execute(query.order_by(base_stations.c.ref))
    ]


def members_of_group(connection: Connection, group_ref: int) -> list[int]:
    query = select(multicast_members.c.device_ref).where(multicast_members.c.group_ref == group_ref)
    return list(connection.execute(query.order_by(multicast_members.c.device_ref)).scalars())


def hearing_of_members(connection: Connection, group_ref: int) -> list[tuple[int, int, float | None]]:
    """Device, base station, and margin in dB above what the slowest data rate needs."""
    rows = connection.execute(
        select(hearing.c.device_ref, hearing.c.base_station, hearing.c.margin)
        .join(multicast_members, multicast_members.c.device_ref == hearing.c.device_ref)
        .where(multicast_members.c.group_ref == group_ref)
    )
    return [(row.device_ref, row.base_station, row.margin) for row in rows]


def hearing_of(connection: Connection, device_refs: Collection[int]) -> list[tuple[int, int, float | None]]:
    """The same of some devices."""
    columns = hearing.c
    query = select(columns.device_ref, columns.base_station, columns.margin)
    return [
        (row.device_ref, row.base_station, row.margin)
        for row in connection.execute(query.where(columns.device_ref.in_(sorted(device_refs))))
    ]
