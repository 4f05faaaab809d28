"""Alarm types with ThingPark's numbers, labels and published severities.

Where no severity is published an alarm grows with its occurrences. An operator may set others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import msgspec

from veldnet.domain.alarm_levels import Level

DAY = 86_400_000

Severity = tuple[tuple[int, Level], ...]
# From so many occurrences on.
_GROWING: Severity = ((1, Level.WARNING), (10, Level.MINOR), (100, Level.MAJOR))


class AlarmType(msgspec.Struct, frozen=True):
    """A kind of alarm. `severity` holds the level from so many occurrences on; rules may name another.
    An event-driven alarm counts its occurrences and clears after `quiet` milliseconds without one."""

    id: int
    label: str
    event_driven: bool
    severity: Severity
    quiet: int | None = None

    @property
    def code(self) -> str:
        return f"{self.id:03d}"


def _state(number: int, label: str, level: Level) -> AlarmType:
    return AlarmType(number, label, False, ((1, level),))


def _event(number: int, label: str, severity: Severity = _GROWING) -> AlarmType:
    return AlarmType(number, label, True, severity, DAY)


BATTERY, DOWNLINK_RATE, UPLINK_RATE, SILENCE, FAST_RATE, SLOW_RATE = 1, 2, 3, 4, 5, 6
NONCE_REPLAYED, JOIN_MIC, JOIN_UNUSED, COUNTER_REPLAYED, REPEATED = 7, 8, 9, 10, 11
COMMAND_REJECTED, COMMAND_IGNORED, JOIN_EUIS, NONCE_NOT_RISING, UPLINK_MIC = 12, 13, 14, 15, 16
# Beyond ThingPark's numbers. An area names the level.
AREA_ENTERED, AREA_LEFT = 207, 208
OF_AREAS = (AREA_ENTERED, AREA_LEFT)

DEVICE_TYPES = {
    kind.id: kind
    for kind in (
        _state(BATTERY, "Battery level threshold", Level.WARNING),
        _event(DOWNLINK_RATE, "Traffic exceeds the downlink regulator settings", ((1, Level.MINOR),)),
        _event(UPLINK_RATE, "Traffic exceeds the uplink regulator settings", ((1, Level.MINOR),)),
        _state(SILENCE, "No uplink activity", Level.WARNING),
        _state(FAST_RATE, "Node uses higher data rate than expected", Level.WARNING),
        _state(SLOW_RATE, "Node uses lower data rate than expected", Level.MAJOR),
        _event(NONCE_REPLAYED, "Join request replay detected (DevNonce replay)"),
        _event(JOIN_MIC, "Wrong MIC detected in Join request"),
        _event(JOIN_UNUSED, "Join request replay detected (wrong MIC correlation)"),
        _event(COUNTER_REPLAYED, "Uplink frame replay detected (wrong FCnt)"),
        _event(REPEATED, "Uplink frame replay detected (repeated FCnt)"),
        _state(COMMAND_REJECTED, "MAC command transmission blocked because of rejection", Level.MAJOR),
        _state(COMMAND_IGNORED, "MAC command transmission blocked because of no reply", Level.WARNING),
        _event(JOIN_EUIS, "Invalid AppEUI detected in Join request"),
        _event(NONCE_NOT_RISING, "Join request replay detected (invalid DevNonce)"),
        _event(UPLINK_MIC, "Wrong MIC detected in Uplink frame"),
        _state(AREA_ENTERED, "Device has entered an area", Level.WARNING),
        _state(AREA_LEFT, "Device has left an area", Level.WARNING),
    )
}

# Beyond ThingPark's numbers.
DUPLICATE_EUI, MODULE, CERTIFICATE, BACKUP, UPDATE_OVERDUE = 202, 201, 203, 204, 205
WRONG_STAMPS = 206

RESTARTED, CONNECTION, LOW_TRAFFIC, INVALID_CRC, DOWNLINK_OVERLOAD = 101, 102, 103, 104, 105
TIME_LOST, BEACON_FAILURE, BACKHAUL = 109, 111, 121

# What frames of devices show, at the base station that has heard them: by the alarm of the device.
OF_FRAMES = {
    JOIN_MIC: 114,
    JOIN_UNUSED: 115,
    COUNTER_REPLAYED: 116,
    UPLINK_MIC: 117,
    REPEATED: 118,
    JOIN_EUIS: 119,
    NONCE_NOT_RISING: 120,
}

BASE_STATION_TYPES = {
    kind.id: kind
    for kind in (
        _state(RESTARTED, "LRR restarted", Level.WARNING),
        _state(CONNECTION, "Connection status", Level.CRITICAL),
        _state(LOW_TRAFFIC, "Low uplink traffic", Level.MINOR),
        _state(INVALID_CRC, "High invalid CRC", Level.MINOR),
        _state(DOWNLINK_OVERLOAD, "Downlink rate over RF capacity", Level.MAJOR),
        _state(TIME_LOST, "Time synchronization lost", Level.MAJOR),
        _state(BEACON_FAILURE, "Beacon failure", Level.MAJOR),
        *(_event(number, DEVICE_TYPES[alarm].label) for alarm, number in OF_FRAMES.items()),
        _state(BACKHAUL, "Backhaul interface", Level.MAJOR),
        _state(DUPLICATE_EUI, "EUI used by several base stations", Level.MAJOR),
        _state(UPDATE_OVERDUE, "Update fetched and not carried out", Level.MAJOR),
        _state(WRONG_STAMPS, "Fine timestamps contradict other base stations", Level.MINOR),
    )
}


# Of parts of the installation.
MODULE_TYPES = {
    kind.id: kind
    for kind in (
        _state(MODULE, "HSM module cannot work", Level.CRITICAL),
        _state(CERTIFICATE, "Certificate of the server expires or cannot be loaded", Level.MAJOR),
        _state(BACKUP, "Scheduled backup failed", Level.MAJOR),
    )
}


class SeverityError(ValueError):
    """A severity is not as it should be written."""


_FORM = re.compile(r"(\d{1,3})=([A-Z@,0-9]+)")


def with_severities(
    types: dict[int, AlarmType], settings: Iterable[str], *, others: Iterable[int] = ()
) -> dict[int, AlarmType]:
    """The types with an operator's severities: `10=MAJOR`, or by occurrences `10=WARNING,MAJOR@50`.

    Raises `SeverityError`; numbers in `others` belong to another table and are passed over.
    """
    changed = dict(types)
    for text in settings:
        found = _FORM.fullmatch(text.replace(" ", "").upper())
        if found is None:
            raise SeverityError(f"{text!r} is not like 10=MAJOR or 10=WARNING,MAJOR@50")
        number = int(found[1])
        if number in others:
            continue
        if number not in types:
            raise SeverityError(f"there is no alarm {number}; known are {', '.join(map(str, types))}")
        severity = _severity(text, found[2])
        changed[number] = msgspec.structs.replace(types[number], severity=severity)
    return changed


def _severity(text: str, levels: str) -> Severity:
    severity: list[tuple[int, Level]] = []
    for part in levels.split(","):
        name, _at, count = part.partition("@")
        if name not in Level.__members__ or name == "CLEARED" or (count and not count.isdigit()):
            raise SeverityError(f"{text!r}: {part!r} is not a level, or a level from so many occurrences on")
        severity.append((int(count or 1), Level[name]))
    rising = all(low < high for low, high in pairwise(level for _least, level in severity))
    if severity[0][0] > 1 or severity != sorted(severity) or not rising:
        raise SeverityError(f"{text!r}: levels rise, and the first holds from the first occurrence on")
    return tuple(severity)


def level_of(kind: AlarmType, occurrence: int) -> Level:
    """The level of an alarm that has occurred so often."""
    level = kind.severity[0][1]
    for least, next_level in kind.severity:
        if occurrence >= least:
            level = next_level
    return level
