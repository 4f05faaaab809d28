"""What others are told of the monitoring state of a device: the `DeviceStatistics` of the API, and what
devices are put in order by."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from veldnet.domain.health import Standing
from veldnet.domain.resources import AlarmStatistics, timestamp

from .watch import SLOT, SLOTS, Watch, averages, decode

_COUNTS = (
    "nonAckedClearedCount",
    "nonAckedUnclearedCount",
    "nonAckedWarningCount",
    "nonAckedMinorCount",
    "nonAckedMajorCount",
    "nonAckedCriticalCount",
)


def observed_at(now: float) -> Callable[[bytes | None], dict[str, Any]]:
    """What makes the members of stored watches, by name, those that are not known left out. `now` is in Unix
    seconds."""
    return partial(_observed, int(now * 1000) // SLOT)


def _observed(slot: int, stored: bytes | None) -> dict[str, Any]:
    watch = decode(stored)
    members: dict[str, Any] = {"alarmStatistics": _alarms(watch)}
    for name, at in (
        ("firstUplinkTime", watch.first_uplink_at),
        ("lastUplinkTime", watch.last_uplink_at),
        ("lastDownlinkTime", watch.last_downlink_at),
        ("lastBatteryLevelTime", watch.battery_at),
    ):
        if at is not None:
            members[name] = timestamp(at)
    if watch.battery is not None:
        members["lastBatteryLevel"] = watch.battery
    means = averages(watch)
    if means is not None:
        members |= {
            "lastRSSI": watch.last_rssi / 10,
            "lastSNR": watch.last_snr / 10,
            "averageRSSI": round(means[0], 3),
            "averageSNR": round(means[1], 3),
        }
    if watch.first_uplink_at is not None:
        members |= {
            "lastInstantPER": round(watch.instant_per, 6),
            "lastMeanPER": round(watch.mean_per, 6),
        }
    if watch.last_sf is not None:
        members["lastSF"] = watch.last_sf
    if watch.uplinks:
        members["last24hUplinkCount"] = _recent(watch.uplinks, slot - watch.uplink_slot)
    if watch.downlinks:
        members["last24hDownlinkCount"] = _recent(watch.downlinks, slot - watch.downlink_slot)
    return members


def _recent(slots: list[int], old: int) -> int:
    """Frames of the last 24 hours, where the newest slot is so many slots back."""
    return sum(slots[: max(SLOTS - max(old, 0), 0)])


def _alarms(watch: Watch) -> AlarmStatistics:
    counts = dict.fromkeys(_COUNTS, 0)
    for alarm in watch.alarms:
        if not alarm.acked:
            counts[_COUNTS[alarm.state - 1]] += 1
    return AlarmStatistics(**counts)


class _Beginning(msgspec.Struct, array_like=True, gc=False):
    """The first members of a stored watch; those behind are not read."""

    first_uplink_at: int | None = None
    last_uplink_at: int | None = None
    last_downlink_at: int | None = None
    last_rssi: int = 0
    last_snr: int = 0
    last_sf: int | None = None
    recent: bytes = b""
    instant_per: float = 0.0
    mean_per: float = 0.0


_decode_beginning = msgspec.msgpack.Decoder(_Beginning).decode


def standing(octets: bytes | None) -> Standing | None:
    """What a device with this stored watch is put in order by; None before its first uplink."""
    if octets is None:
        return None
    read = _decode_beginning(octets)
    return None if read.last_uplink_at is None else Standing(read.last_uplink_at, read.mean_per)
