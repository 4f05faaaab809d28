"""Deletes expired journal rows in small batches that do not block the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, Table, delete, select

from veldnet.monitoring.base_station_history import KEPT_DAYS
from veldnet.monitoring.downlinks.states import OPEN
from veldnet.store import Store, drop_day, forget_steps, is_kept_by_days, read_timeline
from veldnet.store.schema import (
    alarm_history,
    base_station_hours,
    base_station_outages,
    coverage,
    deliveries,
    delivery_results,
    downlinks,
    frame_bodies,
    hearing,
    hourly_statistics,
    locations,
)
from veldnet.store.schema import audit as audit_rows
from veldnet.store.schema import frames as frame_rows

PIECE = 2000
# Between pieces, so that frames get the writer.
PAUSE = 0.05


def _delete_piece(table: Table, column_name: str, before_id: int) -> Callable[[Connection], int]:
    column = table.c[column_name]

    def run(connection: Connection) -> int:
        if is_kept_by_days(connection, table):
            return drop_day(connection, table, before_id)
        last = connection.execute(
            select(column).where(column < before_id).order_by(column).offset(PIECE - 1).limit(1)
        ).scalar()
        bound = before_id if last is None else last + 1
        return connection.execute(delete(table).where(column < bound)).rowcount

    return run


def _delete_downlinks(connection: Connection, *, before_id: int) -> int:
    """Those that have come to their end; what still waits is kept however long that takes."""
    old = select(downlinks.c.id).where(downlinks.c.id < before_id, downlinks.c.state.not_in(OPEN))
    piece = old.order_by(downlinks.c.id).limit(PIECE)
    return connection.execute(delete(downlinks).where(downlinks.c.id.in_(piece))).rowcount


class Retention(NamedTuple):
    """For how many seconds each kind of rows is kept."""

    frames: float
    bodies: float
    statistics: float
    alarms: float
    audit: float
    locations: float = 400 * 86_400


async def prune(store: Store, now: float, keep: Retention) -> int:
    """Delete what is older than its retention; returns the number of rows. `now` in Unix seconds."""

    def since(retention: float) -> int:
        return int((now - retention) * 1000)

    timeline = await store.read(read_timeline)
    keep_bodies = timeline.first_id_at(since(keep.bodies))
    removed = 0
    for table, column, before in (
        (frame_rows, "id", timeline.first_id_at(since(keep.frames))),
        (frame_bodies, "frame_id", keep_bodies),
        (delivery_results, "frame_id", keep_bodies),
        (deliveries, "id", keep_bodies),
        (locations, "id", timeline.first_id_at(since(keep.locations))),
        (hourly_statistics, "hour", since(keep.statistics) // 3_600_000),
        (alarm_history, "cleared_at", since(keep.alarms)),
        (coverage, "last_at", since(keep.frames)),
        (hearing, "last_at", since(KEPT_DAYS * 86_400)),
        (base_station_hours, "hour", since(KEPT_DAYS * 86_400) // 3_600_000),
        (base_station_outages, "ended_at", since(KEPT_DAYS * 86_400)),
        (audit_rows, "at", since(keep.audit)),
    ):
        piece = _delete_piece(table, column, before)
        while (count := await store.write(piece)) > 0:
            removed += count
            await asyncio.sleep(PAUSE)
    while (count := await store.write(partial(_delete_downlinks, before_id=keep_bodies))) > 0:
        removed += count
        await asyncio.sleep(PAUSE)
    oldest = timeline.first_id_at(since(max(keep.frames, keep.bodies)))
    await store.write(lambda connection: forget_steps(connection, oldest))
    return removed
