"""The blocks of lists of devices: those that have grown are divided, and small ones put together, a few at a
time and in the background. Triggers count what is in each (see `triggers`); here their bounds change.

Changes of management exclude each other and commits, so nobody counts while bounds change.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
)

from .expressions import total
from .prepared import Prepared
from .schema import (
    DeviceList,
    device_list_counts,
    device_number_bounds,
    device_order,
    device_text_bounds,
    devices,
)

# Devices of a new block; one that holds more than twice as many is divided.
BLOCK = 2048
# Blocks that change in a transaction: each takes a millisecond or two.
_CHANGES = 10


class _Listed(msgspec.Struct, frozen=True):
    """A list: where its bounds stand, and which columns of which table put it in order."""

    which: DeviceList
    bounds: Table
    source: Table
    columns: tuple[ColumnElement[Any], ColumnElement[Any]]
    health: ColumnElement[Any]

    @property
    def key(self) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
        last = "dev_eui" if self.bounds is device_text_bounds else "device_ref"
        return self.bounds.c.key, self.bounds.c[last]


_NO_HEALTH: ColumnElement[Any] = literal_column("0")
_LISTS = (
    _Listed(
        DeviceList.NAME, device_text_bounds, devices, (devices.c.name, devices.c.dev_eui), devices.c.health
    ),
    _Listed(
        DeviceList.EUI, device_text_bounds, devices, (devices.c.dev_eui, devices.c.dev_eui), devices.c.health
    ),
    _Listed(
        DeviceList.LAST_UPLINK,
        device_number_bounds,
        device_order,
        (device_order.c.heard_hour, device_order.c.device_ref),
        _NO_HEALTH,
    ),
    _Listed(
        DeviceList.PER,
        device_number_bounds,
        device_order,
        (device_order.c.lost_percent, device_order.c.device_ref),
        _NO_HEALTH,
    ),
)
BY_LIST = {listed.which: listed for listed in _LISTS}


class Block(msgspec.Struct, frozen=True):
    """A block of a list: where it begins, None for the first, and how many devices are in it."""

    number: int
    start: tuple[Any, Any] | None
    devices: int


def blocks_of(
    connection: Connection, which: DeviceList, subscriber_ref: int, health: int | None = None
) -> list[Block]:
    """The blocks of a subscriber's list in their order, with the devices in a state of health."""
    values = {"list": which.value, "subscriber": subscriber_ref}
    if health is None:
        held = dict(_HELD.columns(connection, values))
    else:
        held = dict(_HELD_OF_STATE.columns(connection, values | {"health": health}))
    begun = [
        Block(block, (key, last), held.get(block, 0))
        for block, key, last in _bounds(which).columns(connection, values)
    ]
    return [Block(0, None, held.get(0, 0)), *begun]


def _counts(*chosen: ColumnElement[bool]) -> Prepared:
    counts = device_list_counts.c
    here = counts.list == bindparam("list"), counts.subscriber_ref == bindparam("subscriber")
    query = select(counts.block, total(counts.devices).label("devices")).where(*here, *chosen)
    return Prepared(query.group_by(counts.block))


_HELD, _HELD_OF_STATE = _counts(), _counts(device_list_counts.c.health == bindparam("health"))


@cache
def _bounds(which: DeviceList) -> Prepared:
    key, bounds = BY_LIST[which].key, BY_LIST[which].bounds.c
    query = select(bounds.block, key[0].label("key"), key[1].label("last")).where(
        bounds.list == bindparam("list"), bounds.subscriber_ref == bindparam("subscriber")
    )
    return Prepared(query.order_by(*key))


def unbalanced_lists(connection: Connection, size: int = BLOCK) -> list[tuple[DeviceList, int]]:
    """Lists and subscribers that have blocks to be divided, or many more of them than they need."""
    found = connection.execute(_unbalanced(size))
    return [(DeviceList(row.list), row.subscriber_ref) for row in found]


@cache
def _unbalanced(size: int) -> Select[Any]:
    counts = device_list_counts.c
    number = total(counts.devices).label("number")
    blocks = (
        select(counts.list, counts.subscriber_ref, counts.block, number)
        .where(counts.list.in_([which.value for which in BY_LIST]))
        .group_by(counts.list, counts.subscriber_ref, counts.block)
        .subquery()
        .c
    )
    return (
        select(blocks.list, blocks.subscriber_ref)
        .group_by(blocks.list, blocks.subscriber_ref)
        .having(
            or_(
                func.max(blocks.number) > 2 * size,
                and_(func.count() > 1, total(blocks.number) * 4 < func.count() * size),
            )
        )
    )


def balance_lists(connection: Connection, size: int = BLOCK) -> bool:
    """Divide blocks of more than twice a size and put small ones together, a few of all; True if there may be
    more to do."""
    return sum(1 for _change in islice(_changes(connection, size), _CHANGES)) == _CHANGES


def _changes(connection: Connection, size: int) -> Iterator[None]:
    """Change block after block."""
    for which, subscriber_ref in unbalanced_lists(connection, size):
        yield from _divided(connection, BY_LIST[which], subscriber_ref, size)
        yield from _put_together(connection, BY_LIST[which], subscriber_ref, size)


def _divided(connection: Connection, listed: _Listed, subscriber_ref: int, size: int) -> Iterator[None]:
    blocks = blocks_of(connection, listed.which, subscriber_ref)
    next_number = max(block.number for block in blocks) + 1
    for block in blocks:
        rest = block
        while rest.devices > 2 * size:
            start = _key_at(connection, listed, subscriber_ref, rest, size)
            if start is None:
                # The counts are those of another moment; triggers have the last word.
                break
            _begin(connection, listed, subscriber_ref, start, next_number)
            held = _held(connection, listed.which, subscriber_ref, rest.number)
            first = _count_first(connection, listed, subscriber_ref, rest, size)
            behind = {health: number - first.get(health, 0) for health, number in held.items()}
            _put_counts(connection, listed.which, subscriber_ref, rest.number, first)
            _put_counts(connection, listed.which, subscriber_ref, next_number, behind)
            rest = Block(next_number, start, rest.devices - size)
            next_number += 1
            yield


def _from(listed: _Listed, subscriber_ref: int, block: Block) -> ColumnElement[bool]:
    """What stands at the beginning of a block or behind it."""
    own: ColumnElement[bool] = listed.source.c.subscriber_ref == subscriber_ref
    if block.start is None:
        return own
    return and_(own, tuple_(*listed.columns) >= tuple_(*block.start))


def _key_at(
    connection: Connection, listed: _Listed, subscriber_ref: int, block: Block, offset: int
) -> tuple[Any, Any] | None:
    key, last = listed.columns
    query = select(key.label("key"), last.label("last")).where(_from(listed, subscriber_ref, block))
    query = query.order_by(*listed.columns)
    row = connection.execute(query.limit(1).offset(offset)).first()
    return None if row is None else (row.key, row.last)


def _begin(
    connection: Connection, listed: _Listed, subscriber_ref: int, start: tuple[Any, Any], number: int
) -> None:
    values = {"list": listed.which.value, "subscriber_ref": subscriber_ref, "block": number}
    names = (column.name for column in listed.key)
    connection.execute(insert(listed.bounds).values(values | dict(zip(names, start, strict=True))))


def _count_first(
    connection: Connection, listed: _Listed, subscriber_ref: int, block: Block, size: int
) -> dict[int, int]:
    """The first devices of a block by their states of health."""
    part = select(listed.health.label("health")).where(_from(listed, subscriber_ref, block))
    part = part.order_by(*listed.columns).limit(size)
    health = part.subquery().c.health
    rows = connection.execute(select(health, func.count().label("devices")).group_by(health))
    return {row.health: row.devices for row in rows}


def _held(connection: Connection, which: DeviceList, subscriber_ref: int, block: int) -> dict[int, int]:
    """The devices of a block by their states of health."""
    counts = device_list_counts.c
    rows = connection.execute(
        select(counts.health, total(counts.devices).label("devices"))
        .where(counts.list == which.value, counts.subscriber_ref == subscriber_ref, counts.block == block)
        .group_by(counts.health)
    )
    return {row.health: row.devices for row in rows}


def _put_counts(
    connection: Connection, which: DeviceList, subscriber_ref: int, block: int, held: dict[int, int]
) -> None:
    """Write what is in a block, in place of all its parts."""
    of = {"list": which.value, "subscriber_ref": subscriber_ref, "block": block}
    counts = device_list_counts.c
    connection.execute(
        delete(device_list_counts).where(*(counts[name] == value for name, value in of.items()))
    )
    # Also where none are left: a block without any count would be taken for none.
    rows = [of | {"health": health, "part": 0, "devices": number} for health, number in held.items()]
    if rows:
        connection.execute(insert(device_list_counts), rows)


def _put_together(connection: Connection, listed: _Listed, subscriber_ref: int, size: int) -> Iterator[None]:
    """Have the devices of a small block be in the one before it, where both are small."""
    before: Block | None = None
    for block in blocks_of(connection, listed.which, subscriber_ref):
        if before is None or block.start is None or before.devices + block.devices > size:
            before = block
            continue
        held = _held(connection, listed.which, subscriber_ref, before.number)
        for health, number in _held(connection, listed.which, subscriber_ref, block.number).items():
            held[health] = held.get(health, 0) + number
        bounds = listed.bounds.c
        connection.execute(
            delete(listed.bounds).where(
                bounds.list == listed.which.value,
                bounds.subscriber_ref == subscriber_ref,
                bounds.block == block.number,
            )
        )
        _put_counts(connection, listed.which, subscriber_ref, block.number, {})
        _put_counts(connection, listed.which, subscriber_ref, before.number, held)
        before = Block(before.number, before.start, before.devices + block.devices)
        yield
