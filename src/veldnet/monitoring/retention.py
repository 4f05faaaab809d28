"""Cut the journal: what is old goes in small pieces that never hold up the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection, Table, delete, select

from veldnet.store import Store, first_id_at
from veldnet.store.schema import deliveries, delivery_results, frame_bodies, frames

PIECE = 2000
# Between pieces, so that frames get the writer.
PAUSE = 0.05


def _delete_piece(table: Table, column_name: str, before_id: int) -> Callable[[Connection], int]:
    column = table.c[column_name]

    def run(connection: Connection) -> int:
        last = connection.execute(
            select(column).where(column < before_id).order_by(column).offset(PIECE - 1).limit(1)
        ).scalar()
        bound = before_id if last is None else last + 1
        return connection.execute(delete(table).where(column < bound)).rowcount

    return run


async def prune(store: Store, now: float, *, frame_days: float, body_days: float) -> int:
    """Delete what is older than its retention; returns the number of rows. Times in seconds."""
    keep_frames = first_id_at(int((now - frame_days) * 1000))
    keep_bodies = first_id_at(int((now - body_days) * 1000))
    removed = 0
    for table, column, before in (
        (frames, "id", keep_frames),
        (frame_bodies, "frame_id", keep_bodies),
        (delivery_results, "frame_id", keep_bodies),
        (deliveries, "id", keep_bodies),
    ):
        piece = _delete_piece(table, column, before)
        while (count := await store.write(piece)) > 0:
            removed += count
            await asyncio.sleep(PAUSE)
    return removed
