"""Devices in the order of their worst alarms: those that have one, by an index of alarms that nobody has
acknowledged, and the others."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select

from veldnet.domain.alarm_levels import Level
from veldnet.domain.scope import Scope
from veldnet.store.schema import DEVICE_BLOCK_BITS, alarms, devices

from .blocks import devices_by_block, place_in

# So many places from the first on are looked for before anything is counted.
_FIRST = 1000


class Slice(msgspec.Struct, frozen=True):
    """Which of the devices found; where `offset` is not 0, `total` is how many there are."""

    offset: int
    limit: int
    total: int


def refs_by_alarm(
    connection: Connection, scope: Scope, chosen: ColumnElement[bool], worst_first: bool, part: Slice
) -> list[int]:
    """The refs of a slice of devices, those with the most severe alarms first or last."""
    worst = func.max(alarms.c.state)
    unacknowledged = alarms.c.subscriber_ref == scope.subscriber_ref, alarms.c.acked.is_(False)
    by_device = (
        select(alarms.c.device_ref, worst.label("worst"))
        .where(*unacknowledged)
        .group_by(alarms.c.device_ref)
        .subquery()
    )
    order = by_device.c.worst.desc() if worst_first else by_device.c.worst
    alarmed = (
        select(devices.c.ref)
        .join(by_device, by_device.c.device_ref == devices.c.ref)
        .where(chosen)
        .order_by(order, devices.c.ref)
    )
    calm = (
        select(devices.c.ref)
        .where(chosen, devices.c.ref.not_in(select(alarms.c.device_ref).where(*unacknowledged)))
        .order_by(devices.c.ref)
    )
    first, second = (alarmed, calm) if worst_first else (calm, alarmed)
    refs = list(connection.execute(first.limit(part.limit).offset(part.offset)).scalars())
    missing = part.limit - len(refs)
    if missing == 0:
        return refs
    before = part.offset + len(refs)
    if not refs and part.offset:
        # The slice begins within the second part, or at its end.
        counted = select(func.count()).select_from(alarmed.order_by(None).subquery())
        with_alarm = connection.execute(counted).scalar_one()
        before = with_alarm if worst_first else part.total - with_alarm
    rest = second.limit(missing).offset(max(part.offset - before, 0))
    return refs + list(connection.execute(rest).scalars())


def all_by_alarm(connection: Connection, scope: Scope, worst_first: bool, part: Slice) -> list[int]:
    """The refs of a slice of all of the subscriber's devices; those without alarms are counted by blocks."""
    if worst_first and part.offset < _FIRST:
        # Mostly without a look at how many there are.
        refs = _by_level(connection, scope, worst_first, Slice(part.offset, part.limit, 0))
        if len(refs) == part.limit:
            return refs
    # Multicast groups have numbers below 0.
    mine = alarms.c.subscriber_ref == scope.subscriber_ref
    unacknowledged = mine, alarms.c.device_ref > 0, alarms.c.acked.is_(False)
    # The index has them in this order.
    each = select(alarms.c.device_ref).where(*unacknowledged).distinct().subquery()
    block = (each.c.device_ref // (1 << DEVICE_BLOCK_BITS)).label("block")
    counted = select(block, func.count().label("devices")).group_by(block)
    alarmed = {row.block: row.devices for row in connection.execute(counted)}
    with_alarm = sum(alarmed.values())
    calm = [(of, count - alarmed.get(of, 0)) for of, count in devices_by_block(connection, scope)]
    before = with_alarm if worst_first else sum(count for _of, count in calm)
    first, rest = min(part.offset, before), max(part.offset - before, 0)
    size = min(part.limit, before - first)

    def worst(offset: int, limit: int) -> list[int]:
        return _by_level(connection, scope, worst_first, Slice(offset, limit, 0))

    def others(offset: int, limit: int) -> list[int]:
        if not limit:
            return []
        start, offset = place_in(calm, offset)
        ref = devices.c.ref
        # Told that it is above 0, too, SQLite would look through all that are.
        own = mine, alarms.c.device_ref == ref, alarms.c.acked.is_(False)
        has_alarm = select(alarms.c.device_ref).where(*own).exists()
        query = select(ref).where(devices.c.subscriber_ref == scope.subscriber_ref, ref >= start, ~has_alarm)
        return list(connection.execute(query.order_by(ref).limit(limit).offset(offset)).scalars())

    ways = (worst, others) if worst_first else (others, worst)
    return ways[0](first, size) + ways[1](rest, part.limit - size)


def _by_level(connection: Connection, scope: Scope, worst_first: bool, part: Slice) -> list[int]:
    """The refs of a slice of the devices with alarms: of each level from its index, past those before."""
    refs: list[int] = []
    offset = part.offset
    for level in sorted(Level, reverse=worst_first):
        missing = part.limit - len(refs)
        if not missing:
            break
        of_level = _at_worst(scope, level)
        query = of_level.order_by(alarms.c.device_ref).limit(missing).offset(offset)
        found = list(connection.execute(query).scalars())
        refs += found
        if found:
            offset = 0
        elif offset:
            counted = select(func.count()).select_from(of_level.subquery())
            offset -= connection.execute(counted).scalar_one()
    return refs


def _at_worst(scope: Scope, level: Level) -> Select[Any]:
    """The devices that have alarms of a level, and none that is worse."""
    other = alarms.alias()
    worse = (
        select(other.c.device_ref)
        .where(
            other.c.subscriber_ref == scope.subscriber_ref,
            other.c.device_ref == alarms.c.device_ref,
            other.c.acked.is_(False),
            other.c.state > int(level),
        )
        .exists()
    )
    query = select(alarms.c.device_ref).where(
        alarms.c.subscriber_ref == scope.subscriber_ref,
        alarms.c.acked.is_(False),
        alarms.c.state == int(level),
        alarms.c.device_ref > 0,
    )
    if level < max(Level):
        query = query.where(~worse)
    return query.group_by(alarms.c.device_ref)
