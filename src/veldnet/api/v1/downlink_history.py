"""History of a device's downlinks, from the queue to the acknowledgement."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection, select

from veldnet.api.query import Parameter
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.network.core import (
    DownlinkRecord,
    DownlinkRejectedRecord,
    FrameKind,
    QueuedView,
    UplinkRecord,
    decode_record,
)
from veldnet.store import millis_of
from veldnet.store.schema import frame_bodies, frames

_MOST = 200
_SLOTS = (None, "RX1", "RX2", "PING")
# Uplinks that are read to find acknowledgements.
_UPLINKS = 300

Status = Literal["queued", "sending", "sent", "acknowledged", "unacknowledged", "failed"]


class HistoryPart(msgspec.Struct, frozen=True):
    limit: Annotated[int, Parameter("Maximum number of sent or failed downlinks.", least=1, most=_MOST)] = 50


class DownlinkCause(msgspec.Struct):
    """Why a downlink was not sent in a window: ThingPark's code."""

    slot: str
    code: str


class DownlinkLine(msgspec.Struct):
    """A downlink of an application. `time` is when it was queued, and once it was sent or failed when that
    was. A confirmed one is `unacknowledged` as soon as the device has been heard again without an
    acknowledgement. `reason` says why the network refused one that it had queued."""

    id: str
    status: Status
    time: str
    fPort: int | None
    payload: str | None
    size: int
    confirmed: bool
    fCntDn: int | None = None
    expires: str | None = None
    slot: str | None = None
    baseStationId: str | None = None
    causes: list[DownlinkCause] = []
    reason: str | None = None
    acknowledgedTime: str | None = None
    correlationId: str | None = None
    # It waits for the session of a join that no uplink has confirmed yet.
    afterJoin: bool = False


def _waiting(item: QueuedView, status: Status) -> DownlinkLine:
    return DownlinkLine(
        id=f"{status}-{item.id}",
        status=status,
        time=timestamp(int(item.submittedAt * 1000)),
        fPort=item.fPort,
        payload=item.payload,
        size=item.size,
        confirmed=item.confirmed,
        fCntDn=item.fCntDn,
        expires=None if item.expiresAt is None else timestamp(int(item.expiresAt * 1000)),
        correlationId=item.correlationId,
        afterJoin=item.afterJoin,
    )


def _sent(record: DownlinkRecord) -> DownlinkLine:
    causes = (("RX1", record.cause_rx1), ("RX2", record.cause_rx2), ("PING", record.cause_ping))
    return DownlinkLine(
        id=str(record.id),
        status="sent" if record.delivered else "failed",
        time=timestamp(millis_of(record.id)),
        fPort=record.fport,
        payload=record.payload.hex(),
        size=len(record.payload),
        confirmed=record.confirmed,
        fCntDn=record.fcnt,
        slot=_SLOTS[record.slot] if record.delivered else None,
        baseStationId=None if record.base_station is None else str(record.base_station),
        causes=[DownlinkCause(slot, code) for slot, code in causes if code != "00"],
        correlationId=record.correlation_id,
    )


def _refused(record: DownlinkRejectedRecord) -> DownlinkLine:
    return DownlinkLine(
        id=str(record.id),
        status="failed",
        time=timestamp(millis_of(record.id)),
        fPort=record.fport,
        payload=None,
        size=record.size,
        confirmed=False,
        reason=record.cause,
        correlationId=record.correlation_id,
    )


def _bodies(connection: Connection, device_ref: int, kinds: tuple[FrameKind, ...], limit: int) -> list[Any]:
    """Records of the newest frames of some kinds, the newest first."""
    rows = connection.execute(
        select(frames.c.id, frame_bodies.c.body)
        .join(frame_bodies, (frame_bodies.c.frame_id == frames.c.id) & (frame_bodies.c.part == 0))
        .where(frames.c.device_ref == device_ref, frames.c.kind.in_([int(kind) for kind in kinds]))
        .order_by(frames.c.id.desc())
        .limit(limit)
    )
    return [decode_record(row.body) for row in rows]


def _gone(connection: Connection, device_ref: int, limit: int) -> list[DownlinkLine]:
    records = [
        record
        for record in _bodies(
            connection, device_ref, (FrameKind.DOWNLINK, FrameKind.DOWNLINK_REJECTED), 3 * limit
        )
        if isinstance(record, DownlinkRejectedRecord) or record.from_application
    ][:limit]
    lines = [_refused(r) if isinstance(r, DownlinkRejectedRecord) else _sent(r) for r in records]
    awaited = [line for line in lines if line.confirmed and line.status == "sent"]
    if awaited:
        uplinks = _bodies(connection, device_ref, (FrameKind.UPLINK,), _UPLINKS)
        for line in awaited:
            _judge(line, [uplink for uplink in uplinks if uplink.id > int(line.id)])
    return lines


def _judge(line: DownlinkLine, later: list[UplinkRecord]) -> None:
    """Whether one of the uplinks since, the newest first, acknowledges it."""
    acknowledging = next(
        (uplink for uplink in reversed(later) if uplink.acknowledged_fcnt == line.fCntDn), None
    )
    if acknowledging is not None:
        line.status, line.acknowledgedTime = "acknowledged", timestamp(millis_of(acknowledging.id))
    elif later:
        line.status = "unacknowledged"


@SUBSCRIBER.get(
    "/devices/{deviceRef}/downlinks/history",
    "listDownlinkHistory",
    "Downlinks",
    "Queued, sent and acknowledged downlinks of a device.",
)
async def list_history(
    device_ref: str, services: Services, scope: Scope, query: HistoryPart
) -> list[DownlinkLine]:
    """The device's downlinks, those that wait first, then the newest first, with what became of each."""
    number = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    queue, under_way = await services.platform.network.requests.downlinks(number)
    gone = await services.read(lambda c: _gone(c, number, query.limit))
    return [
        *(_waiting(item, "queued") for item in reversed(queue)),
        *(_waiting(item, "sending") for item in reversed(under_way)),
        *gone,
    ]
