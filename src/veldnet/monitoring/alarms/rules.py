"""Rules of device alarms: functions from records to alarm signals.

A rule sees the record and the state of the device as it is with that record. `on` enters it for the occasions
at which it runs. A rule that declares what it `reads` of a record is skipped where all of that has its
default and the device has no alarms, as it is with nearly all uplinks; one that declares nothing always runs.
Rules of silence and of quiet days work by time, see `silence` and `due`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import msgspec

from veldnet.domain.alarm_levels import Level
from veldnet.lorawan.frames import ADR
from veldnet.lorawan.modulation import SNR_FLOOR
from veldnet.monitoring.state import MAX_JOIN_EUIS, MonitoringState
from veldnet.network.core import (
    Device,
    DownlinkRecord,
    DownlinkRejectedRecord,
    JoinRecord,
    LocationRecord,
    Record,
    RefusedRecord,
    ResetRecord,
    UplinkRecord,
)

from . import types
from .machine import Cleared, Raised, Signal

# A confirmed frame may be sent so often however small NbTrans is (TS001-1.0.3 §19.4).
_CONFIRMED_TRANSMISSIONS = 8


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What rules look at."""

    device: Device
    state: MonitoringState


class Occasion(Enum):
    """What a record means to alarms."""

    ACCEPTED = "an uplink is accepted"
    REPEATED = "an uplink is received again"
    REFUSED = "a frame is refused"
    JOIN = "a join request"
    DOWNLINK = "a downlink over the limit, or rejected"
    RESET = "a device is reset or deactivated"
    LOCATED = "the network has located a device"


class Rule(msgspec.Struct, frozen=True):
    """`reads` are the fields of a record without which it has nothing to say of a device without alarms; with
    None it always runs."""

    occasions: tuple[Occasion, ...]
    signals: Callable[[Any, Seen], Iterator[Signal]]
    reads: tuple[str, ...] | None = None


def on(
    *occasions: Occasion, reads: tuple[str, ...] | None = None
) -> Callable[[Callable[[Any, Seen], Iterator[Signal]]], Rule]:
    """Make a function a rule."""
    return lambda signals: Rule(occasions, signals, reads)


@on(Occasion.ACCEPTED, reads=("device_status",))
def battery(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """001: below 30 and 10 per cent, until above 40."""
    if record.device_status is None:
        return
    level, _margin = record.device_status
    if not 1 <= level <= 254:
        # External power, or unknown.
        return
    percent = round(level * 100 / 254)
    infos = (f"{percent}%",)
    if percent < 10:
        yield Raised(types.BATTERY, infos, level=Level.CRITICAL)
    elif percent < 30:
        yield Raised(types.BATTERY, infos, level=Level.WARNING)
    elif percent > 40:
        yield Cleared(types.BATTERY, infos)
    elif (alarm := seen.state.alarm(types.BATTERY)) is not None and alarm.active:
        # Better than it was, but not well: the milder level.
        yield Raised(types.BATTERY, infos, level=Level.WARNING)


@on(Occasion.ACCEPTED, reads=("over_limit",))
def uplink_rate(record: UplinkRecord, _seen: Seen) -> Iterator[Signal]:
    """003: over the limit of the uplink regulator."""
    if record.over_limit:
        yield Raised(types.UPLINK_RATE)


@on(Occasion.DOWNLINK)
def downlink_rate(record: DownlinkRecord | DownlinkRejectedRecord, _seen: Seen) -> Iterator[Signal]:
    """002: over the limit of the downlink regulator."""
    if record.over_limit:
        yield Raised(types.DOWNLINK_RATE)


@on(Occasion.ACCEPTED, reads=())
def silence_ends(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """004: an uplink ends the silence."""
    alarm = seen.state.alarm(types.SILENCE)
    if alarm is not None and alarm.active:
        before = seen.state.last_uplink_at
        hours = 0 if before is None else max(0, int((record.time * 1000 - before) // 3_600_000))
        yield Cleared(types.SILENCE, (str(hours),))


@on(Occasion.ACCEPTED, reads=("other_data_rate",))
def data_rate(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """005 and 006: another spreading factor than the one that ADR commanded."""
    expected = record.commanded_sf
    watched = any(a.active and a.type in (types.FAST_RATE, types.SLOW_RATE) for a in seen.state.alarms)
    received = record.spreading_factor
    if received is None:
        return
    adr = bool(record.fctrl & ADR)
    if adr and expected is not None and received < expected:
        yield Raised(types.FAST_RATE, (f"SF{received}", f"SF{expected}", str(record.fcnt)))
        yield Cleared(types.SLOW_RATE, (f"SF{received}", "1"))
    elif adr and expected is not None and received > expected:
        level, limit = record.best.snr, f"{SNR_FLOOR[expected]:.6f}dB"
        snr = "" if level is None else f"{level:.6f}dB"
        details = (f"SF{received}", f"SF{expected}", snr, limit, str(record.fcnt))
        yield Raised(types.SLOW_RATE, details)
        yield Cleared(types.FAST_RATE, (f"SF{received}", "1"))
    elif watched:
        infos = (f"SF{received}", str(int(adr)))
        yield Cleared(types.FAST_RATE, infos)
        yield Cleared(types.SLOW_RATE, infos)


@on(Occasion.ACCEPTED, reads=("unused_dev_nonce",))
def unused_join(record: UplinkRecord, _seen: Seen) -> Iterator[Signal]:
    """009: a join was accepted whose session the device does not use."""
    if record.unused_dev_nonce is not None:
        yield Raised(types.JOIN_UNUSED, (f"{record.unused_dev_nonce:04X}",))


@on(Occasion.ACCEPTED, reads=("blocked",))
def blocked_commands(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """012 and 013: MAC commands that the device refuses or ignores; an alarm each."""
    for problem in record.blocked:
        kind = types.COMMAND_REJECTED if problem.reason == "rejected" else types.COMMAND_IGNORED
        yield Raised(kind, (problem.name, str(problem.attempts)), problem.name)
    for alarm in seen.state.alarms:
        if alarm.active and alarm.type in (types.COMMAND_REJECTED, types.COMMAND_IGNORED):
            reason = "rejected" if alarm.type == types.COMMAND_REJECTED else "no answer"
            if not any(t.name == alarm.object and t.reason == reason for t in record.blocked):
                yield Cleared(alarm.type, (alarm.object,), alarm.object)


@on(Occasion.REPEATED, Occasion.REFUSED)
def repetition(record: UplinkRecord | RefusedRecord, _seen: Seen) -> Iterator[Signal]:
    """011: a frame comes more often than NbTrans allows."""
    if isinstance(record, UplinkRecord):
        allowed = max(record.nb_trans, _CONFIRMED_TRANSMISSIONS) if record.confirmed else record.nb_trans
        if record.transmissions <= allowed:
            return
    elif record.outcome != "repeated_too_often":
        return
    infos = (str(record.fcnt), str(record.transmissions), f"{record.repeated_after:.0f}s")
    yield Raised(types.REPEATED, infos)


@on(Occasion.REFUSED)
def replayed_counter(record: RefusedRecord, _seen: Seen) -> Iterator[Signal]:
    """010: the counter does not rise."""
    if record.outcome == "counter_replayed":
        yield Raised(types.COUNTER_REPLAYED, (str(record.fcnt),))


@on(Occasion.REFUSED)
def uplink_mic(record: RefusedRecord, _seen: Seen) -> Iterator[Signal]:
    """016: nobody who knows the session's key has signed it."""
    if record.outcome == "wrong_mic":
        yield Raised(types.UPLINK_MIC)


@on(Occasion.JOIN)
def replayed_nonce(record: JoinRecord, _seen: Seen) -> Iterator[Signal]:
    """007: a DevNonce that was used already."""
    if record.outcome == "dev_nonce_replayed":
        yield Raised(types.NONCE_REPLAYED, (f"{record.dev_nonce:04X}",))


@on(Occasion.JOIN)
def nonce_not_rising(record: JoinRecord, _seen: Seen) -> Iterator[Signal]:
    """015: a DevNonce that must rise and does not."""
    if record.outcome == "dev_nonce_not_rising":
        yield Raised(types.NONCE_NOT_RISING, (f"{record.dev_nonce:04X}", str(record.join_eui)))


@on(Occasion.JOIN)
def join_mic(record: JoinRecord, _seen: Seen) -> Iterator[Signal]:
    """008: the MIC does not fit the AppKey."""
    if record.outcome == "wrong_mic":
        yield Raised(types.JOIN_MIC, (str(record.join_eui),))


@on(Occasion.JOIN)
def join_euis(record: JoinRecord, seen: Seen) -> Iterator[Signal]:
    """014: more than 32 different JoinEUIs, of devices whose DevNonce counts."""
    if record.outcome != "wrong_join_eui" or not seen.device.profile.counter_based_dev_nonce:
        return
    state, join_eui = seen.state, int(record.join_eui or 0)
    if join_eui not in state.join_euis and len(state.join_euis) < MAX_JOIN_EUIS:
        state.join_euis = (*state.join_euis, join_eui)
    if len(state.join_euis) >= MAX_JOIN_EUIS:
        yield Raised(types.JOIN_EUIS, (str(record.join_eui),))


# What a reset of the security context makes good: the history that replays were found by is gone.
_RESET = (types.NONCE_REPLAYED, types.COUNTER_REPLAYED, types.NONCE_NOT_RISING)


@on(Occasion.RESET)
def reset(record: ResetRecord, seen: Seen) -> Iterator[Signal]:
    """007, 010 and 015 end with a reset of the security context, 004 with the device's subscription."""
    ended = _RESET if record.outcome == "admin_reset" else (types.SILENCE,)
    for kind in ended:
        alarm = seen.state.alarm(kind)
        if alarm is not None and alarm.active:
            yield Cleared(kind)


@on(Occasion.LOCATED)
def areas(record: LocationRecord, _seen: Seen) -> Iterator[Signal]:
    """207 and 208: over the border of an area, until it is back on the other side."""
    for crossing in record.crossings:
        area, infos = str(crossing.geofence), (crossing.name,)
        now, before = (
            (types.AREA_ENTERED, types.AREA_LEFT)
            if crossing.inside
            else (types.AREA_LEFT, types.AREA_ENTERED)
        )
        yield Cleared(before, infos, area)
        if crossing.raised:
            yield Raised(now, infos, area, Level(crossing.level))
    for ref in record.unwatched:
        for kind in types.OF_AREAS:
            yield Cleared(kind, (), str(ref))


_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(UplinkRecord)}


class Page:
    """The rules of an occasion, in their order."""

    def __init__(self, rules: Iterable[Rule], occasion: Occasion) -> None:
        self._all = tuple(rule for rule in rules if occasion in rule.occasions)
        self._always = tuple(rule for rule in self._all if rule.reads is None)
        names = sorted({name for rule in self._all for name in rule.reads or ()})
        self._values = attrgetter(*names) if names else None
        # Properties are False where there is nothing to say.
        ordinary = SimpleNamespace(**{name: _DEFAULTS.get(name, False) for name in names})
        self._ordinary = None if self._values is None else self._values(ordinary)

    def rules(self, record: Record, state: MonitoringState) -> tuple[Rule, ...]:
        """Those that may have something to say."""
        values = self._values
        if state.alarms or values is None or values(record) != self._ordinary:
            return self._all
        return self._always


class RuleBook:
    """Rules by occasion."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        entered = tuple(rules)
        self.accepted = Page(entered, Occasion.ACCEPTED)
        self.repeated = Page(entered, Occasion.REPEATED)
        self.refused = Page(entered, Occasion.REFUSED)
        self.join = Page(entered, Occasion.JOIN)
        self.downlink = Page(entered, Occasion.DOWNLINK)
        self.reset = Page(entered, Occasion.RESET)
        self.located = Page(entered, Occasion.LOCATED)


# Every rule of this module.
RULES = tuple(rule for rule in list(vars().values()) if isinstance(rule, Rule))


def due(state: MonitoringState, now: int, kinds: dict[int, types.AlarmType]) -> Iterator[Signal]:
    """Event-driven alarms that have had their quiet time."""
    for alarm in state.alarms:
        quiet = kinds[alarm.type].quiet
        if alarm.active and quiet is not None and now - alarm.updated_at >= quiet:
            counted = alarm.type in (types.UPLINK_RATE, types.DOWNLINK_RATE)
            days = str((now - alarm.updated_at) // types.DAY)
            yield Cleared(alarm.type, (days,) if counted else (), alarm.object)


def next_due(state: MonitoringState, kinds: dict[int, types.AlarmType]) -> int | None:
    """When the first of the event-driven alarms will have had its quiet time."""
    ends = [
        alarm.updated_at + quiet
        for alarm in state.alarms
        if alarm.active and (quiet := kinds[alarm.type].quiet) is not None
    ]
    return min(ends, default=None)
