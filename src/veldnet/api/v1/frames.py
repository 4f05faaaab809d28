"""The journal: what happened to a device's frames, and why."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import InLanguage, Parameter
from veldnet.api.routers import SUBSCRIBER, VIEWER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.diagnosis import Explanation, describe_mac_commands, describe_package_commands, explain_frame
from veldnet.domain.errors import NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.logger import Whose, frames_of, read_frame
from veldnet.network.core import decode_record
from veldnet.texts import Language, stored_in

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
    packageCommands: list[str]
    explanation: Explanation | None


@SUBSCRIBER.get("/devices/{deviceRef}/frames", "listFrames", "Frames", "Newest frames of a device.")
async def list_frames(
    device_ref: str, services: Services, scope: Scope, query: FramePage
) -> list[FrameSummary]:
    """The newest frames of a device; `before` continues behind a frame id."""

    def read(connection: Connection) -> list[FrameSummary]:
        ref = devices.device_ref(connection, scope, device_ref)
        return [
            FrameSummary(
                str(line.id),
                timestamp(line.time),
                line.kind.name.lower(),
                line.outcome,
                line.fcnt,
                line.fport,
                line.size,
                line.rssi,
                line.snr,
                line.data_rate,
                None if line.base_station is None else f"{line.base_station:08X}",
                line.copies,
            )
            for line in frames_of(connection, ref, query.before, query.limit)
        ]

    return await services.read(read)


@VIEWER.get("/frames/{frameId}", "getFrame", "Frames", "A frame, explained.")
async def get_frame(
    frame_id: str, request: Request, services: Services, of: Whose, query: InLanguage
) -> FrameDetail:
    """Everything that is known of one frame; the explanation in `language`, or that of `Accept-Language`."""
    language = query.of(request)
    return await services.read(lambda connection: _detail(connection, of, frame_id, language))


def _detail(connection: Connection, of: Whose, frame_id: str, language: Language) -> FrameDetail:
    number = int(frame_id) if frame_id.isascii() and frame_id.isdigit() and len(frame_id) < 20 else -1
    found = read_frame(connection, of, number)
    if found is None:
        raise NotFound("Frame", frame_id)
    record = None if found.record is None else decode_record(found.record)
    return FrameDetail(
        str(number),
        timestamp(found.time),
        None if found.record is None else msgspec.Raw(found.record),
        [msgspec.Raw(body) for body in found.late_copies],
        [_delivery(result, language) for result in found.deliveries],
        [] if record is None else describe_mac_commands(record),
        [] if record is None else describe_package_commands(record),
        explain_frame(connection, number, language),
    )


def _delivery(result: bytes, language: Language) -> msgspec.Raw:
    """What became of a delivery; the error is stored for readers of any language."""
    members = msgspec.json.decode(result)
    if "error" not in members:
        return msgspec.Raw(result)
    return msgspec.Raw(msgspec.json.encode(members | {"error": stored_in(language, members["error"])}))
