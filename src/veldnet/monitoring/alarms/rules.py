"""The rules of the device alarms: each a small function from what a commit knows to signals.

A rule sees the record and the watch of the device as it is with that record. Rules of silence and of quiet
days work by time, see `silence` and `due`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from veldnet.lorawan.frames import ADR
from veldnet.lorawan.modulation import SNR_FLOOR, Lora
from veldnet.monitoring.watch import MAX_JOIN_EUIS, Watch
from veldnet.network import (
    Device,
    DownlinkRecord,
    DownlinkRejectedRecord,
    JoinRecord,
    RefusedRecord,
    ResetRecord,
    UplinkRecord,
)

from . import types
from .machine import Cleared, Raised, Signal
from .types import Level

# A confirmed frame may be sent so often however small NbTrans is (TS001-1.0.3 §19.4).
_CONFIRMED_TRANSMISSIONS = 8


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What rules look at."""

    device: Device
    watch: Watch


def battery(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """001: below 30 and 10 per cent, until above 40."""
    if record.device_status is None:
        return
    level = record.device_status[0]
    if not 1 <= level <= 254:
        # On external power, or not able to tell.
        return
    percent = round(level * 100 / 254)
    infos = (f"{percent}%",)
    if percent < 10:
        yield Raised(types.BATTERY, infos, level=Level.CRITICAL)
    elif percent < 30:
        yield Raised(types.BATTERY, infos, level=Level.WARNING)
    elif percent > 40:
        yield Cleared(types.BATTERY, infos)
    elif (alarm := seen.watch.alarm(types.BATTERY)) is not None and alarm.active:
        # Better than it was, but not well: the milder level.
        yield Raised(types.BATTERY, infos, level=Level.WARNING)


def uplink_rate(record: UplinkRecord, _seen: Seen) -> Iterator[Signal]:
    """003: over the limit of the uplink regulator."""
    if record.over_limit:
        yield Raised(types.UPLINK_RATE)


def downlink_rate(record: DownlinkRecord | DownlinkRejectedRecord, _seen: Seen) -> Iterator[Signal]:
    """002: over the limit of the downlink regulator."""
    if record.over_limit:
        yield Raised(types.DOWNLINK_RATE)


def silence_ends(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """004: an uplink ends the silence."""
    alarm = seen.watch.alarm(types.SILENCE)
    if alarm is not None and alarm.active:
        before = seen.watch.last_uplink_at
        hours = 0 if before is None else max(0, int((record.time * 1000 - before) // 3_600_000))
        yield Cleared(types.SILENCE, (str(hours),))


def data_rate(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """005 and 006: another spreading factor than the one that ADR commanded."""
    expected = record.commanded_sf
    watched = any(a.active and a.type in (types.FAST_RATE, types.SLOW_RATE) for a in seen.watch.alarms)
    if expected is None and not watched:
        return
    received = _spreading_factor(record)
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


def unused_join(record: UplinkRecord, _seen: Seen) -> Iterator[Signal]:
    """009: a join was accepted whose session the device does not use."""
    if record.unused_dev_nonce is not None:
        yield Raised(types.JOIN_UNUSED, (f"{record.unused_dev_nonce:04X}",))


def blocked_commands(record: UplinkRecord, seen: Seen) -> Iterator[Signal]:
    """012 and 013: MAC commands that the device refuses or ignores; an alarm each."""
    for trouble in record.blocked:
        kind = types.COMMAND_REJECTED if trouble.reason == "rejected" else types.COMMAND_IGNORED
        yield Raised(kind, (trouble.name, str(trouble.attempts)), trouble.name)
    for alarm in seen.watch.alarms:
        if alarm.active and alarm.type in (types.COMMAND_REJECTED, types.COMMAND_IGNORED):
            reason = "rejected" if alarm.type == types.COMMAND_REJECTED else "no answer"
            if not any(t.name == alarm.object and t.reason == reason for t in record.blocked):
                yield Cleared(alarm.type, (alarm.object,), alarm.object)


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


def replayed_counter(record: RefusedRecord, _seen: Seen) -> Iterator[Signal]:
    """010: the counter does not rise."""
    if record.outcome == "counter_replayed":
        yield Raised(types.COUNTER_REPLAYED, (str(record.fcnt),))


def uplink_mic(record: RefusedRecord, _seen: Seen) -> Iterator[Signal]:
    """016: nobody who knows the session's key has signed it."""
    if record.outcome == "wrong_mic":
        yield Raised(types.UPLINK_MIC)


def replayed_nonce(record: JoinRecord, _seen: Seen) -> Iterator[Signal]:
    """007: a DevNonce that was used already."""
    if record.outcome == "dev_nonce_replayed":
        yield Raised(types.NONCE_REPLAYED, (f"{record.dev_nonce:04X}",))


def nonce_not_rising(record: JoinRecord, _seen: Seen) -> Iterator[Signal]:
    """015: a DevNonce that must rise and does not."""
    if record.outcome == "dev_nonce_not_rising":
        yield Raised(types.NONCE_NOT_RISING, (f"{record.dev_nonce:04X}", str(record.join_eui)))


def join_mic(record: JoinRecord, _seen: Seen) -> Iterator[Signal]:
    """008: the MIC does not fit the AppKey."""
    if record.outcome == "wrong_mic":
        yield Raised(types.JOIN_MIC, (str(record.join_eui),))


def join_euis(record: JoinRecord, seen: Seen) -> Iterator[Signal]:
    """014: more than 32 different JoinEUIs, of devices whose DevNonce counts."""
    if record.outcome != "wrong_join_eui" or not seen.device.profile.counter_based_dev_nonce:
        return
    watch, join_eui = seen.watch, int(record.join_eui or 0)
    if join_eui not in watch.join_euis and len(watch.join_euis) < MAX_JOIN_EUIS:
        watch.join_euis = (*watch.join_euis, join_eui)
    if len(watch.join_euis) >= MAX_JOIN_EUIS:
        yield Raised(types.JOIN_EUIS, (str(record.join_eui),))


# What a reset of the security context makes good: the history that replays were found by is gone.
_RESET = (types.NONCE_REPLAYED, types.COUNTER_REPLAYED, types.NONCE_NOT_RISING)


def reset(record: ResetRecord, seen: Seen) -> Iterator[Signal]:
    """007, 010 and 015 end with a reset of the security context, 004 with the device's subscription."""
    ended = _RESET if record.outcome == "admin_reset" else (types.SILENCE,)
    for kind in ended:
        alarm = seen.watch.alarm(kind)
        if alarm is not None and alarm.active:
            yield Cleared(kind)


Rule = Callable[..., Iterator[Signal]]

# Rules for an uplink that was accepted, in the order of their numbers.
ACCEPTED: tuple[Rule, ...] = (battery, uplink_rate, silence_ends, data_rate, unused_join, blocked_commands)
REPEATED: tuple[Rule, ...] = (repetition,)
REFUSED: tuple[Rule, ...] = (replayed_counter, repetition, uplink_mic)
JOIN: tuple[Rule, ...] = (replayed_nonce, join_mic, join_euis, nonce_not_rising)
DOWNLINK: tuple[Rule, ...] = (downlink_rate,)
RESET: tuple[Rule, ...] = (reset,)


def quiet_for(record: UplinkRecord, watch: Watch) -> bool:
    """Whether no rule can have anything to say of an accepted uplink: so it is with nearly all of them."""
    return not (
        watch.alarms
        or record.over_limit
        or record.blocked
        or record.device_status is not None
        or record.unused_dev_nonce is not None
        or (record.commanded_sf is not None and record.commanded_sf != _spreading_factor(record))
    )


def _spreading_factor(record: UplinkRecord) -> int | None:
    modulation = record.modulation
    return modulation.sf if isinstance(modulation, Lora) else None


def due(watch: Watch, now: int, kinds: dict[int, types.AlarmType]) -> Iterator[Signal]:
    """Event-driven alarms that have had their quiet time."""
    for alarm in watch.alarms:
        quiet = kinds[alarm.type].quiet
        if alarm.active and quiet is not None and now - alarm.updated_at >= quiet:
            counted = alarm.type in (types.UPLINK_RATE, types.DOWNLINK_RATE)
            days = str((now - alarm.updated_at) // types.DAY)
            yield Cleared(alarm.type, (days,) if counted else (), alarm.object)


def next_due(watch: Watch, kinds: dict[int, types.AlarmType]) -> int | None:
    """When the first of the event-driven alarms will have had its quiet time."""
    ends = [
        alarm.updated_at + quiet
        for alarm in watch.alarms
        if alarm.active and (quiet := kinds[alarm.type].quiet) is not None
    ]
    return min(ends, default=None)
