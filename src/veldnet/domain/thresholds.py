"""After which silence a device gets alarm 004: thresholds as stored, and as the network uses them."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from .alarm_levels import Level

_HOUR = 3600
_SECONDS = {"HOUR": _HOUR, "HOURS": _HOUR, "DAY": 24 * _HOUR, "DAYS": 24 * _HOUR}
# The levels that a threshold may name, the lowest first.
THRESHOLD_LEVELS = {
    "ALL": Level.UNCLEARED,
    "WARNING": Level.WARNING,
    "MINOR": Level.MINOR,
    "MAJOR": Level.MAJOR,
    "CRITICAL": Level.CRITICAL,
}


class Threshold(msgspec.Struct):
    """One of a device's `alarmThresholds`."""

    enabled: bool = False
    durationOfInactivity: str = ""
    level: str = ""


class SilenceStep(NamedTuple):
    """Seconds without an uplink, and the level of the alarm from then on."""

    seconds: int
    level: int


def seconds_of(duration: str) -> int | None:
    """`2_DAYS` as 172800; None for what is no duration."""
    number, _underscore, unit = duration.partition("_")
    return int(number) * _SECONDS[unit] if unit in _SECONDS and number.isdigit() else None


def silence_steps(thresholds: tuple[Threshold, ...]) -> tuple[SilenceStep, ...]:
    """The steps in order; what is not enabled or not whole is left out."""
    steps = []
    for threshold in thresholds:
        seconds = seconds_of(threshold.durationOfInactivity)
        if threshold.enabled and seconds is not None and threshold.level in THRESHOLD_LEVELS:
            steps.append(SilenceStep(seconds, int(THRESHOLD_LEVELS[threshold.level])))
    return tuple(sorted(steps))
