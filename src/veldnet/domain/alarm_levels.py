"""Levels of alarms."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """State of an alarm, as ThingPark's OSS numbers it; the API prints the name."""

    CLEARED = 1
    UNCLEARED = 2
    WARNING = 3
    MINOR = 4
    MAJOR = 5
    CRITICAL = 6
