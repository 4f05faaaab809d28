"""GPS time, which has no leap seconds: ahead of UTC by 18 s since 2017-01-01."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

_GPS_EPOCH_UNIX = 315964800
# Unix times from which a further leap second lies between GPS and UTC (IERS bulletin C).
_LEAP_SECONDS = (
    362793600,
    394329600,
    425865600,
    489024000,
    567993600,
    631152000,
    662688000,
    709948800,
    741484800,
    773020800,
    820454400,
    867715200,
    915148800,
    1136073600,
    1230768000,
    1341100800,
    1435708800,
    1483228800,
)


class FineTime(NamedTuple):
    """A moment as a base station with a fine clock says it: the GPS second, and the nanoseconds within it."""

    second: int
    nanosecond: int


def unix_to_gps(unix_seconds: float) -> float:
    """Seconds since 1980-01-06T00:00:00 on the GPS time scale."""
    return unix_seconds - _GPS_EPOCH_UNIX + bisect_right(_LEAP_SECONDS, unix_seconds)


def gps_to_unix(gps_seconds: float) -> float:
    """Unix seconds of a GPS time; a leap second itself counts as the second after it."""
    unix = gps_seconds + _GPS_EPOCH_UNIX
    return unix - bisect_right(_LEAP_SECONDS, unix - bisect_right(_LEAP_SECONDS, unix))
