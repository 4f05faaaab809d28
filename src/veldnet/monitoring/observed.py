"""Members of the API's `DeviceStatistics`, and sort keys of devices, from stored monitoring state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from veldnet.domain.health import Standing
from veldnet.domain.resources import AlarmStatistics, timestamp

from .state import SLOT, SLOTS, Heard, MonitoringState, averages, decode

_COUNTS = (
    "nonAckedClearedCount",
    "nonAckedUnclearedCount",
    "nonAckedWarningCount",
    "nonAckedMinorCount",
    "nonAckedMajorCount",
    "nonAckedCriticalCount",
)


def observed_at(now: float) -> Callable[[bytes | None], dict[str, Any]]:
    """What makes the members of stored monitoring state, by name, those that are not known left out. `now` is
    in Unix seconds."""
    return partial(_observed, int(now * 1000) // SLOT)


def _observed(slot: int, stored: bytes | None) -> dict[str, Any]:
    state = decode(stored)
    members: dict[str, Any] = {"alarmStatistics": _alarms(state)}
    for name, at in (
        ("firstUplinkTime", state.first_uplink_at),
        ("lastUplinkTime", state.last_uplink_at),
        ("lastDownlinkTime", state.last_downlink_at),
        ("lastBatteryLevelTime", state.battery_at),
    ):
        if at is not None:
            members[name] = timestamp(at)
    if state.battery is not None:
        members["lastBatteryLevel"] = state.battery
    means = averages(state)
    if means is not None:
        members |= {
            "lastRSSI": state.last_rssi / 10,
            "lastSNR": state.last_snr / 10,
            "averageRSSI": round(means[0], 3),
            "averageSNR": round(means[1], 3),
        }
    if state.first_uplink_at is not None:
        members |= {
            "lastInstantPER": round(state.instant_per, 6),
            "lastMeanPER": round(state.mean_per, 6),
        }
    if state.last_sf is not None:
        members["lastSF"] = state.last_sf
    if state.uplinks:
        members["last24hUplinkCount"] = _recent(state.uplinks, slot - state.uplink_slot)
    if state.downlinks:
        members["last24hDownlinkCount"] = _recent(state.downlinks, slot - state.downlink_slot)
    return members


def _recent(slots: tuple[int, ...], old: int) -> int:
    """Frames of the last 24 hours, where the newest slot is so many slots back."""
    return sum(slots[: max(SLOTS - max(old, 0), 0)])


def _alarms(state: MonitoringState) -> AlarmStatistics:
    counts = dict.fromkeys(_COUNTS, 0)
    for alarm in state.alarms:
        if not alarm.acked:
            counts[_COUNTS[alarm.state - 1]] += 1
    return AlarmStatistics(**counts)


_decode_heard = msgspec.msgpack.Decoder(Heard).decode


def standing(stored: bytes | None) -> Standing | None:
    """What a device with this stored monitoring state is put in order by; None before its first uplink."""
    if stored is None:
        return None
    heard = _decode_heard(stored)
    return None if heard.last_uplink_at is None else Standing(heard.last_uplink_at, heard.mean_per)


def stored(at: Standing) -> bytes:
    """The monitoring state of a device of which nothing else is known: for benchmarks."""
    return msgspec.msgpack.encode(
        MonitoringState(
            first_uplink_at=at.last_uplink_at, last_uplink_at=at.last_uplink_at, mean_per=at.mean_per
        )
    )
