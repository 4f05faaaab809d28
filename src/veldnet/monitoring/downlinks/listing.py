"""The list of downlinks as the API shows it. A search stops after so many rows, with where to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select

from veldnet.domain.resources import timestamp
from veldnet.monitoring.logger.lines import SLOTS
from veldnet.monitoring.logger.search import Whose
from veldnet.store.schema import devices, downlinks, subscribers

Status = Literal["queued", "sending", "sent", "acknowledged", "unacknowledged", "failed", "cancelled"]
_STATUSES: tuple[Status, ...] = get_args(Status)
# Rows that a search over the subscribers of an operator reads at most.
_STEP = 20_000


class DownlinkCause(msgspec.Struct):
    """Why a downlink was not sent: ThingPark's code, and the slot in which it could not be."""

    code: str
    slot: str | None = None


class Downlink(msgspec.Struct):
    """A downlink of an application server, from the queue to its end. `id` is that of its submission;
    `frameId` leads to what the journal says of its transmission, `answerFrameId` to the uplink that
    acknowledged a confirmed one, or did not. A confirmed one that was sent is `sent` until the device is
    heard again. `reason` of a failure without causes: `size`, `rate`, `reset` or `interrupted`."""

    id: str
    status: Status
    deviceRef: str
    deviceEUI: str
    deviceName: str
    queuedTime: str
    lastUpdateTime: str
    fPort: int
    size: int
    payload: str | None
    confirmed: bool
    fCntDn: int | None
    priority: int
    # It waits for the session of a join that no uplink has confirmed yet.
    afterJoin: bool
    expires: str | None
    correlationId: str | None
    sendingTime: str | None
    sentTime: str | None
    slot: str | None
    baseStationId: str | None
    frameId: str | None
    causes: list[DownlinkCause]
    reason: str | None
    answerTime: str | None
    answerFrameId: str | None


class DownlinkPage(msgspec.Struct):
    """Downlinks, the newest first; `next` goes on behind the last one, absent at the end."""

    downlinks: list[Downlink]
    next: str | None


class DownlinkQuery(msgspec.Struct, frozen=True):
    """What is looked for; nothing of `statuses` is all."""

    statuses: tuple[Status, ...] = ()
    device_ref: int | None = None
    before: int | None = None

    def matches(self, found: Downlink) -> bool:
        return (not self.statuses or found.status in self.statuses) and (
            self.device_ref is None or found.deviceRef == str(self.device_ref)
        )


def _own(whose: Whose) -> ColumnElement[bool]:
    if whose.subscriber_ref is not None:
        return downlinks.c.subscriber_ref == whose.subscriber_ref
    own = select(subscribers.c.ref).where(subscribers.c.operator_ref == whose.operator_ref)
    return downlinks.c.subscriber_ref.in_(own)


def list_downlinks(connection: Connection, whose: Whose, wanted: DownlinkQuery, limit: int) -> DownlinkPage:
    """The newest downlinks that match, at most `limit`."""
    columns = downlinks.c
    query = select(columns.id)
    if wanted.before is not None:
        query = query.where(columns.id < wanted.before)
    states = [_STATUSES.index(status) + 1 for status in wanted.statuses]
    lowest: int | None = None
    if wanted.device_ref is not None:
        query = query.where(columns.device_ref == wanted.device_ref, _own(whose))
    elif whose.subscriber_ref is not None:
        query = query.where(_own(whose))
    else:
        # No index leads to the newest of many subscribers: a bounded part of the table is read.
        piece = query.order_by(columns.id.desc()).limit(_STEP).subquery()
        lowest, read = connection.execute(select(func.min(piece.c.id), func.count()).select_from(piece)).one()
        lowest = lowest if read == _STEP else None
        query = select(columns.id).where(columns.id.in_(select(piece.c.id)), _own(whose))
    if states:
        query = query.where(columns.state.in_(states))
    ids = list(connection.execute(query.order_by(columns.id.desc()).limit(limit + 1)).scalars())
    found = [_downlink(_Stored(*row)) for row in connection.execute(_named(ids[:limit]))]
    if len(ids) > limit:
        return DownlinkPage(found, str(ids[limit - 1]))
    return DownlinkPage(found, None if lowest is None else str(lowest))


class _Stored(NamedTuple):
    """A downlink in the store with its device. Times in Unix milliseconds."""

    id: int
    device_ref: int
    state: int
    submitted_at: int
    updated_at: int
    fport: int
    size: int
    payload: bytes | None
    confirmed: bool
    fcnt: int | None
    priority: int
    after_join: bool
    expires_at: int | None
    correlation_id: str | None
    sending_at: int | None
    sent_at: int | None
    frame_id: int | None
    base_station: int | None
    slot: int | None
    causes: str | None
    reason: str | None
    answered_at: int | None
    answer_frame_id: int | None
    dev_eui: str
    name: str


# The columns of the downlink itself, which come first.
_OWN = _Stored._fields[: _Stored._fields.index("dev_eui")]


def _named(ids: Sequence[int]) -> Select[Any]:
    return (
        select(*(downlinks.c[name] for name in _OWN), devices.c.dev_eui, devices.c.name)
        .join(devices, devices.c.ref == downlinks.c.device_ref)
        .where(downlinks.c.id.in_(ids))
        .order_by(downlinks.c.id.desc())
    )


def some_downlinks(connection: Connection, whose: Whose, ids: Sequence[int]) -> list[Downlink]:
    """Downlinks by their ids, the newest first; those of others are left out."""
    return [_downlink(_Stored(*row)) for row in connection.execute(_named(ids).where(_own(whose)))]


def _time(millis: int | None) -> str | None:
    return None if millis is None else timestamp(millis)


def _causes(text: str | None) -> list[DownlinkCause]:
    found = []
    for part in (text or "").split():
        slot, colon, code = part.partition(":")
        found.append(DownlinkCause(code, slot) if colon else DownlinkCause(slot))
    return found


def _downlink(row: _Stored) -> Downlink:
    return Downlink(
        id=str(row.id),
        status=_STATUSES[row.state - 1],
        deviceRef=str(row.device_ref),
        deviceEUI=row.dev_eui,
        deviceName=row.name,
        queuedTime=timestamp(row.submitted_at),
        lastUpdateTime=timestamp(row.updated_at),
        fPort=row.fport,
        size=row.size,
        payload=None if row.payload is None else row.payload.hex(),
        confirmed=bool(row.confirmed),
        fCntDn=row.fcnt,
        priority=row.priority,
        afterJoin=bool(row.after_join),
        expires=_time(row.expires_at),
        correlationId=row.correlation_id,
        sendingTime=_time(row.sending_at),
        sentTime=_time(row.sent_at),
        slot=SLOTS[row.slot or 0] or None,
        baseStationId=None if row.base_station is None else f"{row.base_station:08X}",
        frameId=None if row.frame_id is None else str(row.frame_id),
        causes=_causes(row.causes),
        reason=row.reason,
        answerTime=_time(row.answered_at),
        answerFrameId=str(row.answer_frame_id) if row.answer_frame_id else None,
    )
