"""The order of devices by their last uplink and by their error rate, brought up to date in the background.

Nothing is noted of an uplink: the chore walks through what monitoring has stored of every device, a piece at
a time, and writes those that have moved to another hour or percent. So what it finds is right again after a
crash, and a device is written once each time it comes round, however often it speaks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, select

from veldnet.domain.health import Standing
from veldnet.inventory.devices import EXACT
from veldnet.store import Store, put_many, write_property
from veldnet.store.schema import ORDERED_AT, device_order, device_states, devices

from .health import fleet_counts
from .observed import standing

HOUR = 3_600_000
# Devices that are read at once, and the pause between, so that frames get both the writer and the processor.
PIECE = 500
PAUSE = 0.05


class _Moved(msgspec.Struct, frozen=True):
    """A device that is to be put elsewhere."""

    device_ref: int
    heard_hour: int
    lost_percent: int


class _Piece(NamedTuple):
    """What is to be written of some devices, and the last of them; None when there were none any more."""

    last: int | None
    moved: Sequence[_Moved]
    # Devices of which nothing is known any more.
    gone: Sequence[int]


def place_of(at: Standing) -> tuple[int, int]:
    """The hour and the percentage under which a device is found."""
    return at.last_uplink_at // HOUR, int(at.mean_per * 100)


def _read(connection: Connection, *, after: int) -> _Piece:
    states, order = device_states.c, device_order.c
    rows = connection.execute(
        select(states.device_ref, states.monitoring, order.heard_hour, order.lost_percent)
        .join_from(device_states, device_order, order.device_ref == states.device_ref, isouter=True)
        .where(states.device_ref > after)
        .order_by(states.device_ref)
        .limit(PIECE)
    ).all()
    moved, gone = [], []
    for row in rows:
        now = standing(row.monitoring)
        if now is None:
            if row.heard_hour is not None:
                gone.append(row.device_ref)
        elif (place := place_of(now)) != (row.heard_hour, row.lost_percent):
            moved.append(_Moved(row.device_ref, *place))
    return _Piece(rows[-1].device_ref if rows else None, moved, gone)


def _write(connection: Connection, *, piece: _Piece) -> None:
    # One that was deleted meanwhile goes nowhere.
    refs = [one.device_ref for one in piece.moved]
    owners = {
        row.ref: row.subscriber_ref
        for row in connection.execute(
            select(devices.c.ref, devices.c.subscriber_ref).where(devices.c.ref.in_(refs))
        )
    }
    put_many(
        connection,
        device_order,
        [
            msgspec.structs.asdict(one) | {"subscriber_ref": owners[one.device_ref]}
            for one in piece.moved
            if one.device_ref in owners
        ],
    )
    if piece.gone:
        connection.execute(delete(device_order).where(device_order.c.device_ref.in_(piece.gone)))


async def order_devices(store: Store, clock: Callable[[], float], above: int = EXACT) -> float:
    """Bring the order of all devices up to date, if there are more than are sorted without it; returns the
    seconds that reading and writing took."""
    begun_at, after, busy = round(clock() * 1000), 0, 0.0
    if sum((await store.read(fleet_counts)).values()) <= above:
        return busy
    while True:
        begun = time.perf_counter()
        piece = await store.read(partial(_read, after=after))
        if piece.moved or piece.gone:
            await store.write(partial(_write, piece=piece))
        busy += time.perf_counter() - begun
        if piece.last is None:
            break
        if after:
            await asyncio.sleep(PAUSE)
        after = piece.last
    await store.write(lambda connection: write_property(connection, ORDERED_AT, str(begun_at)))
    return busy
