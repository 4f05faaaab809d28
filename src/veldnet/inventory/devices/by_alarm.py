"""Devices in the order of their worst alarms that nobody has acknowledged, those without any among them: each
level stands in an index, in the order of refs."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from veldnet.domain.alarm_levels import Level
from veldnet.domain.health import HEALTH
from veldnet.domain.scope import Scope
from veldnet.store.expressions import total, unindexed
from veldnet.store.schema import device_counts, devices

from .blocks import Part, rows_by_ref

# 0 is that of devices without any.
_LEVELS = (0, *sorted(Level))


class Slice(msgspec.Struct, frozen=True):
    """Which of the devices found; where `offset` is not 0, `total` is how many there are."""

    offset: int
    limit: int
    total: int


class Narrowed(msgspec.Struct, frozen=True):
    """Devices by a condition on `devices`; `few` tells that they are best found by it and then put in order,
    not looked for in an order that an index has."""

    chosen: ColumnElement[bool]
    few: bool


def refs_by_alarm(connection: Connection, found: Narrowed, worst_first: bool, most: int) -> list[int]:
    """The refs of the first devices, those with the most severe alarms first or last."""
    query = select(devices.c.ref).where(found.chosen)
    if found.few:
        worst = unindexed(devices.c.alarm)
        query = query.order_by(worst.desc() if worst_first else worst, unindexed(devices.c.ref))
        return list(connection.execute(query.limit(most)).scalars())
    refs: list[int] = []
    for level in _LEVELS[::-1] if worst_first else _LEVELS:
        of_level = query.where(devices.c.alarm == level).order_by(devices.c.ref)
        if missing := most - len(refs):
            refs += connection.execute(of_level.limit(missing)).scalars()
    return refs


def all_by_alarm(
    connection: Connection, scope: Scope, health: str | None, worst_first: bool, part: Slice
) -> list[int]:
    """The refs of a slice of all of the subscriber's devices, or of all in a state of health, by the blocks
    of each level."""
    columns = device_counts.c
    counted = select(columns.alarm, columns.block, total(columns.devices).label("devices")).where(
        columns.subscriber_ref == scope.subscriber_ref
    )
    own = select(devices.c.ref).where(devices.c.subscriber_ref == scope.subscriber_ref)
    if health is not None:
        counted = counted.where(columns.health == HEALTH.index(health))
        own = own.where(unindexed(devices.c.health) == HEALTH.index(health))
    blocks: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in connection.execute(counted.group_by(columns.alarm, columns.block).order_by(columns.block)):
        blocks[row.alarm].append((row.block, row.devices))
    refs: list[int] = []
    offset = part.offset
    for level in _LEVELS[::-1] if worst_first else _LEVELS:
        here = sum(count for _block, count in blocks[level])
        of = Part(offset, part.limit - len(refs))
        if of.limit and offset < here:
            refs += rows_by_ref(connection, own.where(devices.c.alarm == level), blocks[level], of)
        offset = max(offset - here, 0)
    return refs
