"""Downlinks that a multicast group was sent, with what became of them at each base station."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from veldnet.domain.errors import NotFound
from veldnet.domain.resources import timestamp
from veldnet.inventory.rows import NO_REF
from veldnet.lorawan import BaseStationId
from veldnet.store import MulticastFrameRow
from veldnet.store.schema import multicast_frames

from .resource import FrameStatus, GroupFrame, GroupFramePage, StationOutcome

STATUSES: dict[int, FrameStatus] = {
    1: "QUEUED",
    2: "SENDING",
    3: "SUCCESS",
    4: "ABORTED",
    5: "DISCARDED",
}
_FRAMES: Select[Any] = select(*(multicast_frames.c[name] for name in MulticastFrameRow.__struct_fields__))
# Base station, cause, attempts, and whether it is left out; see `network.core.multicast`.
_RESULTS = msgspec.msgpack.Decoder(list[tuple[int, str, int, bool]])


def _number(text: str) -> int:
    """The id of a submission, which is longer than a ref; `NO_REF` for what is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else NO_REF
    return number if number < 1 << 63 else NO_REF


def list_frames(connection: Connection, group_ref: int, before: str | None, limit: int) -> GroupFramePage:
    """The newest downlinks of a group, those before an id."""
    query = _FRAMES.where(multicast_frames.c.group_ref == group_ref)
    if before is not None:
        query = query.where(multicast_frames.c.id < _number(before))
    rows = _records(connection, query.order_by(multicast_frames.c.id.desc()).limit(limit))
    return GroupFramePage([_frame(row) for row in rows], str(rows[-1].id) if len(rows) == limit else None)


def get_frame(connection: Connection, group_ref: int, frame_id: str) -> GroupFrame:
    """A downlink of a group by the id of its submission. Raises `NotFound`."""
    query = _FRAMES.where(
        multicast_frames.c.group_ref == group_ref, multicast_frames.c.id == _number(frame_id)
    )
    found = _records(connection, query)
    if not found:
        raise NotFound("Downlink", frame_id)
    return _frame(found[0])


def frame_records(connection: Connection, ids: Sequence[int]) -> list[MulticastFrameRow]:
    """The rows of downlinks by their ids."""
    return _records(connection, _FRAMES.where(multicast_frames.c.id.in_(ids))) if ids else []


def _records(connection: Connection, query: Select[Any]) -> list[MulticastFrameRow]:
    return [MulticastFrameRow(*row) for row in connection.execute(query)]


def _frame(row: MulticastFrameRow) -> GroupFrame:
    results = [] if row.results is None else _RESULTS.decode(row.results)
    return GroupFrame(
        id=str(row.id),
        status=STATUSES[row.state],
        submissionTime=timestamp(row.submitted_at),
        lastUpdateTime=timestamp(row.updated_at),
        sentTime=None if row.sent_at is None else timestamp(row.sent_at),
        fPort=row.fport,
        fCntDown=row.fcnt,
        size=row.size,
        correlationId=row.correlation_id,
        attempts=row.attempts,
        baseStations=row.stations,
        succeeded=row.succeeded,
        failed=row.failed,
        causes=_causes(row.causes),
        reason=row.reason,
        outcomes=[
            StationOutcome(str(BaseStationId(station)), cause == "00", attempts, cause or None, left_out)
            for station, cause, attempts, left_out in results
        ],
    )


def _causes(text: str) -> dict[str, int]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {cause: int(count) for cause, _equals, count in pairs}
