"""What happened to a device, newest first: joins, alarms, downlinks, and who changed what."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from veldnet.domain.alarm_levels import Level
from veldnet.domain.resources import timestamp
from veldnet.inventory import audit
from veldnet.network.core import FrameKind
from veldnet.network.shell import heard_at
from veldnet.store import FrameRow, read_timeline
from veldnet.store.schema import FRAME_COLUMNS, alarm_history, alarms, frames

EventKind = Literal["join", "alarm", "downlink", "edit"]
EVENT_KINDS: tuple[EventKind, ...] = ("join", "alarm", "downlink", "edit")

# Cleared alarms that are looked at.
_MOST_PAST = 1000
# Beyond a page, so that what happened in the same millisecond is not torn apart.
_SPARE = 50
_JOINS = (FrameKind.JOIN_REQUEST, FrameKind.RESET)
_DOWNLINKS = (FrameKind.DOWNLINK, FrameKind.DOWNLINK_REJECTED)


class Event(msgspec.Struct):
    """Something that happened. `what` is the outcome of a join or downlink; `raised`, `acknowledged` or
    `cleared` of an alarm, where `time` of `raised` is its last trigger and `occurrence` counts them; the
    action of an edit, with the members it changed, `from` and `to`."""

    id: str
    time: str
    kind: EventKind
    what: str
    actor: str | None = None
    frameId: str | None = None
    fPort: int | None = None
    alarmTypeId: int | None = None
    alarmState: str | None = None
    occurrence: int | None = None
    changes: dict[str, Any] | None = None


class EventPage(msgspec.Struct):
    """Events, newest first; `next` goes into `before` for those further back, absent at the end."""

    events: list[Event]
    next: str | None


class Subject(msgspec.Struct, frozen=True):
    """A device and its subscriber."""

    device_ref: int
    subscriber_ref: int


def read_events(
    connection: Connection, of: Subject, kinds: frozenset[EventKind], before_ms: int, limit: int
) -> EventPage:
    """The newest events before a time, of the kinds that are wanted."""
    most = limit + _SPARE
    found: list[tuple[int, Event]] = []
    wanted = [
        kind
        for name, group in (("join", _JOINS), ("downlink", _DOWNLINKS))
        if name in kinds
        for kind in group
    ]
    if wanted:
        found += _frame_events(connection, of.device_ref, wanted, before_ms, most)
    if "alarm" in kinds:
        found += [event for event in _alarm_events(connection, of) if event[0] < before_ms]
    if "edit" in kinds:
        found += _edits(connection, of, before_ms, most)
    found.sort(key=lambda event: (-event[0], event[1].id))
    if len(found) <= limit:
        return EventPage([event for _at, event in found], None)
    last = found[limit - 1][0]
    page = [event for at, event in found if at >= last]
    return EventPage(page, timestamp(last) if len(page) < len(found) else None)


def _frame_events(
    connection: Connection, device_ref: int, kinds: list[FrameKind], before_ms: int, most: int
) -> list[tuple[int, Event]]:
    top = read_timeline(connection).first_id_at(before_ms)
    rows = connection.execute(
        select(*FRAME_COLUMNS)
        .where(
            frames.c.device_ref == device_ref,
            frames.c.id < top,
            frames.c.kind.in_([int(kind) for kind in kinds]),
            # Answers to MAC commands are no downlinks of anybody.
            (frames.c.kind != int(FrameKind.DOWNLINK)) | (frames.c.size > 0),
        )
        .order_by(frames.c.id.desc())
        .limit(most)
    )
    return [
        (at, _frame_event(row, at))
        for row in (FrameRow(*each) for each in rows)
        if (at := heard_at(row)) < before_ms
    ]


def _frame_event(row: FrameRow, at: int) -> Event:
    join = row.kind in (int(FrameKind.JOIN_REQUEST), int(FrameKind.RESET))
    return Event(
        f"frame-{row.id}",
        timestamp(at),
        "join" if join else "downlink",
        row.outcome,
        frameId=str(row.id),
        fPort=row.fport,
    )


class _Alarm(NamedTuple):
    """An alarm as its events tell of it. Times in Unix milliseconds."""

    ref: int
    type: int
    state: int
    occurrence: int
    updated_at: int
    acked_at: int | None
    ack_author: str | None
    # Of one that was cleared.
    cleared_at: int = 0


_STANDING = _Alarm._fields[:-1]


def _alarm_events(connection: Connection, of: Subject) -> list[tuple[int, Event]]:
    """Alarms that stand, and cleared ones; these are the newest of a bounded number."""
    now = alarms.c
    found: list[tuple[int, Event]] = []
    standing = connection.execute(
        select(*(now[name] for name in _STANDING)).where(
            now.device_ref == of.device_ref,
            now.subscriber_ref == of.subscriber_ref,
            now.state > int(Level.CLEARED),
        )
    )
    for alarm in (_Alarm(*row) for row in standing):
        found += _of_alarm(f"alarm-{alarm.ref}", alarm)
    past = alarm_history.c
    cleared = connection.execute(
        select(*(past[name] for name in _Alarm._fields))
        .where(past.device_ref == of.device_ref)
        .order_by(past.cleared_at.desc())
        .limit(_MOST_PAST)
    )
    for each in (_Alarm(*row) for row in cleared):
        name = f"past-{each.ref}"
        found += _of_alarm(name, each)
        found.append((each.cleared_at, _alarm_event(f"{name}-cleared", each.cleared_at, "cleared", each)))
    return found


def _of_alarm(name: str, row: _Alarm) -> list[tuple[int, Event]]:
    found = [(row.updated_at, _alarm_event(f"{name}-raised", row.updated_at, "raised", row))]
    if row.acked_at is not None:
        event = _alarm_event(f"{name}-acknowledged", row.acked_at, "acknowledged", row)
        event.actor = row.ack_author
        found.append((row.acked_at, event))
    return found


def _alarm_event(name: str, at: int, what: str, row: _Alarm) -> Event:
    return Event(
        name,
        timestamp(at),
        "alarm",
        what,
        alarmTypeId=row.type,
        alarmState=Level(row.state).name,
        occurrence=row.occurrence,
    )


def _edits(connection: Connection, of: Subject, before_ms: int, most: int) -> list[tuple[int, Event]]:
    return [
        (
            edit.at,
            Event(
                f"edit-{edit.id}",
                timestamp(edit.at),
                "edit",
                edit.action,
                actor=edit.actor,
                changes=edit.details,
            ),
        )
        for edit in audit.edits_of_device(connection, of.device_ref, of.subscriber_ref, before_ms, most)
    ]
