"""Devices counted by blocks of their refs, so that a place far behind in a list is found without walking
through all devices before it: that took 50 ms for a million."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from veldnet.domain.health import HEALTH
from veldnet.domain.scope import Scope
from veldnet.store.expressions import total
from veldnet.store.schema import DEVICE_BLOCK_BITS, device_counts

# No ref is so large.
_BEHIND_ALL = 1 << 62


def devices_by_block(
    connection: Connection, scope: Scope, health: str | None = None
) -> list[tuple[int, int]]:
    """The blocks of the subscriber's devices in their order, and how many each holds."""
    columns = device_counts.c
    query = select(columns.block, total(columns.devices).label("devices")).where(
        columns.subscriber_ref == scope.subscriber_ref
    )
    if health is not None:
        query = query.where(columns.health == HEALTH.index(health))
    rows = connection.execute(query.group_by(columns.block).order_by(columns.block))
    return [(row.block, row.devices) for row in rows]


def place_in(blocks: Iterable[tuple[int, int]], offset: int) -> tuple[int, int]:
    """The first ref of the block in which the device stands that has `offset` others before it, and how many
    of those are in the block itself."""
    for block, count in blocks:
        if count > offset:
            return block << DEVICE_BLOCK_BITS, offset
        offset -= count
    return _BEHIND_ALL, 0
