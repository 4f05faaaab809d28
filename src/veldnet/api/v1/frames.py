"""The journal: what happened to a device's frames, and why."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request
from sqlalchemy import ColumnElement, Connection, select

from veldnet.api.query import InLanguage, Parameter
from veldnet.api.routers import SUBSCRIBER, VIEWER
from veldnet.api.services import Services
from veldnet.diagnosis import Explanation, Language, describe_mac_commands, explain_frame
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.logger import Whose, own_devices
from veldnet.network.core import FrameKind, decode_record
from veldnet.store import millis_of
from veldnet.store.schema import base_stations, delivery_results, frame_bodies, frames

_MOST = 500


class FramePage(msgspec.Struct, frozen=True):
    """Which frames of a device."""

    limit: Annotated[int, Parameter("Entries at most.", least=1, most=_MOST)] = 100
    before: Annotated[int | None, Parameter("Continue after this frame.", most=(1 << 63) - 1)] = None


class FrameSummary(msgspec.Struct):
    """A line of the journal. `rssi` in dBm and `snr` in dB are those of the best base station."""

    id: str
    time: str
    kind: str
    outcome: str
    fcnt: int | None
    fport: int | None
    size: int
    rssi: float | None
    snr: float | None
    dataRate: int | None
    baseStationId: str | None
    baseStations: int


class FrameDetail(msgspec.Struct):
    """A frame with its record, the copies that came late, and what became of its deliveries. `record` is
    absent when its retention is over."""

    id: str
    time: str
    record: msgspec.Raw | None
    lateCopies: list[msgspec.Raw]
    deliveries: list[msgspec.Raw]
    macCommands: list[str]
    explanation: Explanation | None


@SUBSCRIBER.get("/devices/{deviceRef}/frames", "listFrames", "Frames", "Newest frames of a device.")
async def list_frames(
    device_ref: str, services: Services, scope: Scope, query: FramePage
) -> list[FrameSummary]:
    """The newest frames of a device; `before` continues behind a frame id."""

    def read(connection: Connection) -> list[FrameSummary]:
        ref = devices.device_ref(connection, scope, device_ref)
        wanted = select(frames).where(frames.c.device_ref == ref)
        if query.before is not None:
            wanted = wanted.where(frames.c.id < query.before)
        rows = connection.execute(wanted.order_by(frames.c.id.desc()).limit(query.limit))
        return [
            FrameSummary(
                str(row.id),
                timestamp(millis_of(row.id) if row.at is None else row.at),
                FrameKind(row.kind).name.lower(),
                row.outcome,
                row.fcnt,
                row.fport,
                row.size,
                None if row.rssi is None else row.rssi / 10,
                None if row.snr is None else row.snr / 10,
                row.data_rate,
                None if row.base_station is None else f"{row.base_station:08X}",
                row.copies,
            )
            for row in rows
        ]

    return await services.read(read)


@VIEWER.get("/frames/{frameId}", "getFrame", "Frames", "A frame, explained.")
async def get_frame(
    frame_id: str, request: Request[Any, Any, Any], services: Services, of: Whose, query: InLanguage
) -> FrameDetail:
    """Everything that is known of one frame; the explanation in `language`, or that of `Accept-Language`."""
    language = query.of(request)
    return await services.read(lambda connection: _detail(connection, of, frame_id, language))


def _detail(connection: Connection, of: Whose, frame_id: str, language: Language) -> FrameDetail:
    number = int(frame_id) if frame_id.isascii() and frame_id.isdigit() and len(frame_id) < 20 else -1
    own: ColumnElement[bool] = frames.c.device_ref.in_(own_devices(of))
    if of.subscriber_ref is None:
        # Frames of nobody, heard by the operator's base stations.
        stations = connection.execute(
            select(base_stations.c.id).where(base_stations.c.operator_ref == of.operator_ref)
        ).scalars()
        heard = frames.c.base_station.in_([int(station, 16) for station in stations])
        own = own | ((frames.c.device_ref == 0) & heard)
    found = connection.execute(select(frames.c.id, frames.c.at).where(frames.c.id == number, own)).first()
    if found is None:
        raise NotFound("Frame", frame_id)
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
    record = next((body for part, body in parts if part == 0), None)
    return FrameDetail(
        str(number),
        timestamp(millis_of(number) if found.at is None else found.at),
        None if record is None else msgspec.Raw(record),
        [msgspec.Raw(body) for part, body in parts if part > 0],
        [msgspec.Raw(row.result) for row in results],
        [] if record is None else describe_mac_commands(decode_record(record)),
        explain_frame(connection, number, language),
    )
