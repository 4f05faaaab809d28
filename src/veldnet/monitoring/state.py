"""Monitoring state of a device: statistics, alarms, and the time of the next check.

A state is loaded, written and dropped together with the device's session. Its stored form is MessagePack with
positional fields, so fields are only ever appended. Times are Unix milliseconds, levels tenths of a dB(m).
"""

from __future__ import annotations

import struct
from math import log2
from typing import Any

import msgspec
import structlog

from veldnet.lorawan.modulation import Lora
from veldnet.network.core import DownlinkRecord, UplinkRecord
from veldnet.network.shell import Entry, tenths

from .alarms.machine import Alarm

log = structlog.get_logger(__name__)

_PAIR = struct.Struct("<hh")
# ThingPark's averages are over so many uplinks.
RECENT = 5
# "The last 24 hours" are so many slots of two hours.
SLOTS = 12
SLOT = 7_200_000
# Intervals between uplinks that the rhythm is learnt from.
INTERVALS = 16
# Different JoinEUIs that are counted.
MAX_JOIN_EUIS = 33
_STATIONS = 3


class Heard(msgspec.Struct, array_like=True, gc=False):
    """How a device is heard: the beginning of its stored state, which alone is decoded where many devices are
    put in order by it."""

    first_uplink_at: int | None = None
    last_uplink_at: int | None = None
    last_downlink_at: int | None = None
    last_rssi: int = 0
    last_snr: int = 0
    last_sf: int | None = None
    # RSSI and SNR of the last uplinks, packed.
    recent: bytes = b""
    instant_per: float = 0.0
    mean_per: float = 0.0


class MonitoringState(Heard, array_like=True, gc=False):
    """One device. Holds plain values and tuples of them only, which a search for garbage need not look at."""

    battery: int | None = None
    battery_at: int | None = None
    margin: int | None = None
    # Frames in the two-hour slots that end with the newest one, newest first; the number of that slot.
    uplinks: tuple[int, ...] = ()
    uplink_slot: int = 0
    downlinks: tuple[int, ...] = ()
    downlink_slot: int = 0
    # Logarithms of the intervals between uplinks, an octet each.
    intervals: bytes = b""
    alarms: tuple[Alarm, ...] = ()
    join_euis: tuple[int, ...] = ()
    # When the store will say that it is time to look; it may be earlier than needed, never later.
    check_at: int | None = None
    health: int = 0
    # Base stations that heard the last uplink, the best first.
    stations: tuple[int, ...] = ()
    # Since when the device is silent, None while silence means nothing: before the first uplink, and from the
    # loss of its connectivity plan on.
    silent_since: int | None = None

    def alarm(self, kind: int, of: str = "") -> Alarm | None:
        for alarm in self.alarms:
            if alarm.type == kind and alarm.object == of:
                return alarm
        return None

    def put(self, alarm: Alarm) -> None:
        """Take over the new state of an alarm."""
        for position, known in enumerate(self.alarms):
            if known.type == alarm.type and known.object == alarm.object:
                self.alarms = (*self.alarms[:position], alarm, *self.alarms[position + 1 :])
                return
        self.alarms = (*self.alarms, alarm)


_decode = msgspec.msgpack.Decoder(MonitoringState).decode


def state_of(entry: Entry) -> MonitoringState:
    """The state of a device in memory, decoded when it is first asked for."""
    state = entry.monitoring
    if isinstance(state, MonitoringState):
        return state
    fresh = None if state is None else _readable(entry, state)
    entry.monitoring = known = fresh or MonitoringState(health=entry.device.row.health)
    return known


def _readable(entry: Entry, state: Any) -> MonitoringState | None:
    """None where what is stored cannot be read: the device is watched as a new one is."""
    row = entry.device.row
    try:
        return _decode(state)
    except (msgspec.DecodeError, TypeError) as error:
        log.error("monitoring_unreadable", dev_eui=row.dev_eui, ref=row.ref, error=repr(error))
        return None


def decode(octets: bytes | None) -> MonitoringState:
    """A stored state; an empty one where there is none."""
    return MonitoringState() if octets is None else _decode(octets)


def note_uplink(state: MonitoringState, record: UplinkRecord) -> None:
    """An uplink that was accepted."""
    at, best = round(record.time * 1000), record.copies[0]
    rssi, snr = tenths(best.rssi), tenths(best.snr)
    before = state.last_uplink_at
    if before is None:
        state.first_uplink_at = at
    elif at > before:
        state.intervals = (state.intervals + _interval(at - before))[-INTERVALS:]
    # A late frame is older than what came before it.
    if before is None or at >= before:
        state.last_uplink_at = state.silent_since = at
        # What the base station does not say stays as it was known last.
        if rssi is not None and snr is not None:
            state.last_rssi, state.last_snr = rssi, snr
        modulation = record.modulation
        state.last_sf = modulation.sf if isinstance(modulation, Lora) else None
        copies = record.copies
        state.stations = (
            (int(best.base_station),)
            if len(copies) == 1
            else tuple([int(copy.base_station) for copy in copies[:_STATIONS]])
        )
    if rssi is not None and snr is not None:
        state.recent = (state.recent + _PAIR.pack(rssi, snr))[-RECENT * _PAIR.size :]
    state.instant_per, state.mean_per = record.instant_per, record.mean_per
    state.uplinks, state.uplink_slot = _counted(state.uplinks, state.uplink_slot, at // SLOT)
    status = record.device_status
    if status is not None:
        state.battery, state.margin = status
        state.battery_at = at


def note_downlink(state: MonitoringState, record: DownlinkRecord) -> None:
    """A data downlink that a base station sent."""
    at = round(record.time * 1000)
    state.last_downlink_at = at
    state.downlinks, state.downlink_slot = _counted(state.downlinks, state.downlink_slot, at // SLOT)


def _counted(slots: tuple[int, ...], newest: int, slot: int) -> tuple[tuple[int, ...], int]:
    """The slots with one frame more, and which is the newest. Frames older than all slots are not counted."""
    if slot > newest or not slots:
        skipped = min(slot - newest, SLOTS) - 1 if slots else 0
        return (1, *(0,) * skipped, *slots[: SLOTS - 1 - skipped]), slot
    back = newest - slot
    if back >= SLOTS:
        return slots, newest
    if back >= len(slots):
        slots = (*slots, *(0,) * (back + 1 - len(slots)))
    return (*slots[:back], slots[back] + 1, *slots[back + 1 :]), newest


def averages(state: MonitoringState) -> tuple[float, float] | None:
    """Mean RSSI and SNR of the last uplinks, in dB(m)."""
    pairs = list(_PAIR.iter_unpack(state.recent))
    if not pairs:
        return None
    return (
        sum(rssi for rssi, _snr in pairs) / len(pairs) / 10,
        sum(snr for _rssi, snr in pairs) / len(pairs) / 10,
    )


# Intervals are kept as eighths of powers of two of seconds, from 1 s to 2^31 s.
def _interval(millis: int) -> bytes:
    return min(255, max(0, round(8 * log2(max(millis / 1000, 1.0))))).to_bytes(1, "little")


def longest_interval(state: MonitoringState) -> float | None:
    """The longest of the intervals that are remembered, in seconds; None while there are too few."""
    if len(state.intervals) < INTERVALS // 2:
        return None
    longest: float = 2 ** (max(state.intervals) / 8)
    return longest
