"""Fine time stamps: the nanosecond at which a frame came, from which positions are computed.

Base stations say the nanoseconds within a GPS second, and that second by their coarser GPS time.
"""

from __future__ import annotations

from veldnet.lorawan.gpstime import FineTime
from veldnet.texts import Text

from .remarks import Note

_SECOND = 1_000_000_000


def fine_time(gps: float | None, nanoseconds: float, odd: Note) -> FineTime | None:
    """The fine time of a frame that was heard at a GPS time; None, and noted, where it cannot be one: a light
    second is farther than any base station hears."""
    if not 0 <= nanoseconds < _SECOND or nanoseconds != int(nanoseconds):
        odd("bad_fine_time", Text("{number:g} are no nanoseconds of a second", number=nanoseconds))
        return None
    if gps is None:
        odd("bad_fine_time", Text("a fine time stamp without a right GPS time says nothing"))
        return None
    return FineTime(round(gps - nanoseconds / _SECOND), int(nanoseconds))
