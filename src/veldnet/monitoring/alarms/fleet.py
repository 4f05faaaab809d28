"""Lists alarms of many devices and multicast groups with labels."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select

from veldnet.domain.alarm_levels import Level
from veldnet.domain.groups import ref_of_group
from veldnet.domain.resources import timestamp
from veldnet.monitoring.notification.events import AlarmEvent
from veldnet.store import Prepared
from veldnet.store.schema import alarm_comments, alarms, devices, multicast_groups, users
from veldnet.texts import Language, in_language

from .advice import ADVICE
from .rows import StoredDeviceAlarm, alarm_ref, columns_of
from .types import DEVICE_TYPES
from .words import sentence

_MOST_COUNTED = 10_000


class AlarmQuery(msgspec.Struct, frozen=True):
    """Which alarms; `state` is the minimum state, or 1 for cleared alarms only. Times are of the creation."""

    device_ref: int | None = None
    state: int | None = None
    type: int | None = None
    acked: bool | None = None
    # A user who looks after it; 0 for nobody.
    assignee: int | None = None
    muted: bool | None = None
    now: int = 0
    start: int = 0
    end: int = 1 << 42


class AlarmLine(msgspec.Struct):
    """An alarm with its device, label and sentence. One of a multicast group (002 alone) has
    `multicastGroupRef` instead of `deviceRef`, and DevEUI and name are those of the group."""

    ref: str
    deviceRef: str | None
    multicastGroupRef: str | None
    deviceEUI: str
    deviceName: str
    type: int
    label: str
    # In the language of whoever asks, as is what to do about it.
    text: str
    advice: str
    state: str
    occurrence: int
    acked: bool
    creationTime: str
    lastUpdateTime: str
    lastAckTime: str | None
    ackAuthor: str | None
    objectId: str | None
    # Recipients hear nothing of it until then.
    mutedUntil: str | None
    mutedBy: str | None
    # Who looks after it.
    assigneeRef: str | None
    assigneeName: str | None
    comments: int


class AlarmPage(msgspec.Struct):
    """A page of alarms; `total` counts at most 10,000."""

    alarms: list[AlarmLine]
    total: int
    more: bool


def list_alarms(
    connection: Connection,
    subscriber_ref: int,
    wanted: AlarmQuery,
    page: int,
    size: int,
    language: Language,
) -> AlarmPage:
    """The alarms of a subscriber's devices, the last updated first."""
    chosen = _condition(subscriber_ref, wanted)
    counted = select(alarms.c.ref).where(chosen).limit(_MOST_COUNTED + 1).subquery()
    total = int(connection.execute(select(func.count()).select_from(counted)).scalar_one())
    rows = connection.execute(
        _lines()
        .where(chosen)
        .order_by(alarms.c.updated_at.desc(), alarms.c.ref.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    lines = [_line(_Stored(*row), wanted.now, language) for row in rows]
    return AlarmPage(lines, min(total, _MOST_COUNTED), total > _MOST_COUNTED)


def one_alarm(
    connection: Connection, subscriber_ref: int, number: int, now: int, language: Language
) -> AlarmLine | None:
    """An alarm of the subscriber by its number in the store."""
    own = (alarms.c.ref == number) & (alarms.c.subscriber_ref == subscriber_ref)
    row = connection.execute(_lines().where(own)).first()
    return None if row is None else _line(_Stored(*row), now, language)


class _Stored(StoredDeviceAlarm, frozen=True):
    """With its device, and who looks after it."""

    muted_until: int | None
    muted_by: str | None
    assignee_ref: int | None
    dev_eui: str
    name: str
    assignee_name: str | None
    comments: int


def _lines() -> Select[Any]:
    """Alarms with their devices, and those who look after them as long as they are of the subscriber."""
    comments = select(func.count()).where(alarm_comments.c.alarm_ref == alarms.c.ref).scalar_subquery()
    looks_after = (users.c.ref == alarms.c.assignee_ref) & (users.c.subscriber_ref == alarms.c.subscriber_ref)
    return (
        select(
            *columns_of(_Stored),
            func.coalesce(devices.c.dev_eui, multicast_groups.c.dev_eui).label("dev_eui"),
            func.coalesce(devices.c.name, multicast_groups.c.name).label("name"),
            users.c.display_name.label("assignee_name"),
            comments.label("comments"),
        )
        .join(devices, devices.c.ref == alarms.c.device_ref, isouter=True)
        .join(multicast_groups, multicast_groups.c.ref == -alarms.c.device_ref, isouter=True)
        .join(users, looks_after, isouter=True)
    )


def _condition(subscriber_ref: int, wanted: AlarmQuery) -> ColumnElement[bool]:
    columns = alarms.c
    chosen = (
        (columns.subscriber_ref == subscriber_ref)
        & (columns.created_at >= wanted.start)
        & (columns.created_at < wanted.end)
    )
    if wanted.device_ref is not None:
        chosen &= columns.device_ref == wanted.device_ref
    if wanted.state == int(Level.CLEARED):
        chosen &= columns.state == wanted.state
    elif wanted.state is not None:
        chosen &= columns.state >= wanted.state
    if wanted.type is not None:
        chosen &= columns.type == wanted.type
    if wanted.acked is not None:
        chosen &= columns.acked.is_(wanted.acked)
    if wanted.assignee is not None:
        chosen &= (
            columns.assignee_ref == wanted.assignee if wanted.assignee else columns.assignee_ref.is_(None)
        )
    if wanted.muted is not None:
        muted = func.coalesce(columns.muted_until, 0) > wanted.now
        chosen &= muted if wanted.muted else ~muted
    return chosen


def _line(row: _Stored, now: int, language: Language) -> AlarmLine:
    event = AlarmEvent(
        change="cleared" if row.state == int(Level.CLEARED) else "raised",
        type=row.type,
        state=row.state,
        at=row.updated_at,
        subject=row.dev_eui,
        name=row.name,
        object=row.object,
        infos=tuple(row.infos().values()),
        occurrence=row.occurrence,
        cause=None,
    )
    return AlarmLine(
        ref=alarm_ref(row.created_at, row.ref),
        deviceRef=str(row.device_ref) if row.device_ref > 0 else None,
        multicastGroupRef=None if (group := ref_of_group(row.device_ref)) is None else str(group),
        deviceEUI=row.dev_eui,
        deviceName=row.name,
        type=row.type,
        label=DEVICE_TYPES[row.type].label,
        text=in_language(sentence(event), language),
        advice=in_language(ADVICE[row.type], language),
        state=Level(row.state).name,
        occurrence=row.occurrence,
        acked=bool(row.acked),
        creationTime=timestamp(row.created_at),
        lastUpdateTime=timestamp(row.updated_at),
        lastAckTime=None if row.acked_at is None else timestamp(row.acked_at),
        ackAuthor=row.ack_author,
        objectId=row.object or None,
        mutedUntil=timestamp(row.muted_until) if row.muted_until and row.muted_until > now else None,
        mutedBy=row.muted_by if row.muted_until and row.muted_until > now else None,
        assigneeRef=None if row.assignee_name is None else str(row.assignee_ref),
        assigneeName=row.assignee_name,
        comments=row.comments,
    )


def severities(connection: Connection, subscriber_ref: int) -> dict[str, int]:
    """Alarms that nobody has acknowledged, by their state."""
    rows = _SEVERITIES.rows(connection, {"subscriber": subscriber_ref})
    return {Level(row.state).name: row.alarms for row in rows}


_SEVERITIES = Prepared(
    select(alarms.c.state, func.count().label("alarms"))
    .where(alarms.c.subscriber_ref == bindparam("subscriber"), alarms.c.acked.is_(False))
    .group_by(alarms.c.state)
)
