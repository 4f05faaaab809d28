"""The journal of a device, and one frame with everything that was written about it."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from veldnet.network.core import FrameKind, Record, decode_record
from veldnet.store import millis_of
from veldnet.store.schema import base_stations, delivery_results, frame_bodies, frames

from .search import Whose, own_devices


class StoredFrame(msgspec.Struct, frozen=True):
    """A line of the journal. `time` in Unix milliseconds; `rssi` in dBm and `snr` in dB are those of the best
    base station."""

    id: int
    time: int
    kind: FrameKind
    outcome: str
    fcnt: int | None
    fport: int | None
    size: int
    rssi: float | None
    snr: float | None
    data_rate: int | None
    base_station: int | None
    copies: int


class StoredBodies(msgspec.Struct, frozen=True):
    """A frame with its record, None when its retention is over, the copies that came late, and what became of
    its deliveries, each as JSON. `time` in Unix milliseconds."""

    id: int
    time: int
    record: bytes | None
    late_copies: list[bytes]
    deliveries: list[bytes]


def frames_of(connection: Connection, device_ref: int, before: int | None, limit: int) -> list[StoredFrame]:
    """The newest frames of a device, or those before a frame."""
    wanted = select(frames).where(frames.c.device_ref == device_ref)
    if before is not None:
        wanted = wanted.where(frames.c.id < before)
    return [
        StoredFrame(
            row.id,
            millis_of(row.id) if row.at is None else row.at,
            FrameKind(row.kind),
            row.outcome,
            row.fcnt,
            row.fport,
            row.size,
            None if row.rssi is None else row.rssi / 10,
            None if row.snr is None else row.snr / 10,
            row.data_rate,
            row.base_station,
            row.copies,
        )
        for row in connection.execute(wanted.order_by(frames.c.id.desc()).limit(limit))
    ]


def records_of(connection: Connection, device_ref: int, limit: int) -> list[Record]:
    """The newest records of a device, newest first, as far as their retention is not over."""
    bodies = connection.execute(
        select(frame_bodies.c.body)
        .join(frames, frames.c.id == frame_bodies.c.frame_id)
        .where(frames.c.device_ref == device_ref, frame_bodies.c.part == 0)
        .order_by(frames.c.id.desc())
        .limit(limit)
    )
    return [decode_record(body) for body in bodies.scalars()]


def read_frame(connection: Connection, of: Whose, number: int) -> StoredBodies | None:
    """A frame, if it is one of theirs."""
    found = connection.execute(
        select(frames.c.id, frames.c.at).where(frames.c.id == number, _theirs(connection, of))
    ).first()
    if found is None:
        return None
    parts = connection.execute(
        select(frame_bodies.c.part, frame_bodies.c.body)
        .where(frame_bodies.c.frame_id == number)
        .order_by(frame_bodies.c.part)
    ).all()
    results = connection.execute(
        select(delivery_results.c.result)
        .where(delivery_results.c.frame_id == number)
        .order_by(delivery_results.c.delivery_id)
    )
    return StoredBodies(
        number,
        millis_of(number) if found.at is None else found.at,
        next((body for part, body in parts if part == 0), None),
        [body for part, body in parts if part > 0],
        list(results.scalars()),
    )


def _theirs(connection: Connection, of: Whose) -> ColumnElement[bool]:
    own: ColumnElement[bool] = frames.c.device_ref.in_(own_devices(of))
    if of.subscriber_ref is not None:
        # Numbers below 0 are those of multicast groups.
        return own | ((frames.c.device_ref < 0) & (frames.c.subscriber_ref == of.subscriber_ref))
    # Frames of nobody, heard by the operator's base stations.
    stations = connection.execute(
        select(base_stations.c.id).where(base_stations.c.operator_ref == of.operator_ref)
    ).scalars()
    heard = frames.c.base_station.in_([int(station, 16) for station in stations])
    return own | ((frames.c.device_ref == 0) & heard)
