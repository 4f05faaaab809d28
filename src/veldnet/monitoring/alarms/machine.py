"""State machine of an alarm: raised, changed, cleared, reused, acknowledged.

An alarm is absent, active (UNCLEARED to CRITICAL) or CLEARED. One row per device, type and object is
permanent: a trigger after a clearance recycles it. Times are Unix milliseconds.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from veldnet.domain.alarm_levels import Level

from .types import AlarmType, level_of

Infos = tuple[str, ...]


class Alarm(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The state of an alarm. `created_at` is when its row was made, `updated_at` its last trigger or
    clearance."""

    type: int
    object: str
    state: int
    occurrence: int
    acked: bool
    created_at: int
    updated_at: int
    # Recipients hear nothing of it until then.
    muted_until: int = 0

    @property
    def active(self) -> bool:
        return self.state > Level.CLEARED


class Raised(msgspec.Struct, frozen=True, gc=False):
    """The condition of an alarm is there. `level` None takes that of the type's severity."""

    type: int
    infos: Infos = ()
    object: str = ""
    level: Level | None = None


class Cleared(msgspec.Struct, frozen=True, gc=False):
    """The condition is gone. `infos` replace those of the active alarm."""

    type: int
    infos: Infos = ()
    object: str = ""


Signal = Raised | Cleared

# What recipients may want to hear of: `unacknowledged` is an acknowledgement that a rise has withdrawn.
Change = Literal["raised", "changed", "unacknowledged", "cleared", "acknowledged"]


class Step(msgspec.Struct, frozen=True, gc=False):
    """The alarm after a signal, or None where there is still none; `written`: whether its row
    changes. Recipients are notified of `change`, and `before` goes into the history."""

    alarm: Alarm | None
    written: bool = False
    change: Change | None = None
    before: Alarm | None = None


def raise_alarm(kind: AlarmType, alarm: Alarm | None, signal: Raised, now: int) -> Step:
    """A trigger: create, update or recycle."""
    if alarm is None or not alarm.active:
        created_at = now if alarm is None else alarm.created_at
        level = signal.level or level_of(kind, 1)
        muted = 0 if alarm is None else alarm.muted_until
        fresh = Alarm(kind.id, signal.object, level, 1, False, created_at, now, muted)
        return Step(fresh, True, "raised")
    occurrence = alarm.occurrence + 1 if kind.event_driven else 1
    level = signal.level or level_of(kind, occurrence)
    withdrawn = alarm.acked and level > alarm.state
    changed = replace(
        alarm,
        state=int(level),
        occurrence=occurrence,
        acked=alarm.acked and not withdrawn,
        updated_at=now,
    )
    change: Change | None = "unacknowledged" if withdrawn else "changed" if level != alarm.state else None
    return Step(changed, True, change)


def raise_often(kind: AlarmType, alarm: Alarm | None, infos: Infos, count: int, now: int) -> Step:
    """As many triggers at once."""
    signal = Raised(kind.id, infos)
    first = raise_alarm(kind, alarm, signal, now)
    if count == 1 or first.alarm is None:
        return first
    counted = replace(first.alarm, occurrence=first.alarm.occurrence + count - 2)
    last = raise_alarm(kind, counted, signal, now)
    return replace(last, change=first.change or last.change)


def clear_alarm(alarm: Alarm | None, now: int) -> Step:
    """A clearance; only an active alarm has one."""
    if alarm is None or not alarm.active:
        return Step(alarm)
    return Step(replace(alarm, state=int(Level.CLEARED), updated_at=now), True, "cleared", alarm)


def acknowledge(alarm: Alarm) -> Step:
    """Somebody has seen it. The state stays, and a second acknowledgement changes nothing."""
    if alarm.acked:
        return Step(alarm)
    return Step(replace(alarm, acked=True), True, "acknowledged")


def apply(kind: AlarmType, alarm: Alarm | None, signal: Signal, now: int) -> Step:
    """What a signal makes of an alarm."""
    if isinstance(signal, Raised):
        return raise_alarm(kind, alarm, signal, now)
    return clear_alarm(alarm, now)
