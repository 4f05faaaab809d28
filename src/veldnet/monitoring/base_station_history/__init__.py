"""How base stations did over the last weeks: what was measured at them by hours, and when they were away."""

from .hours import KEPT_DAYS, Hour, Measures, Spread
from .reading import (
    Availability,
    AvailabilityDay,
    Outage,
    OutagePage,
    StationSlot,
    availability,
    list_outages,
    shares,
    station_slots,
)
from .recorder import Look, Recorder

__all__ = [
    "KEPT_DAYS",
    "Availability",
    "AvailabilityDay",
    "Hour",
    "Look",
    "Measures",
    "Outage",
    "OutagePage",
    "Recorder",
    "Spread",
    "StationSlot",
    "availability",
    "list_outages",
    "shares",
    "station_slots",
]
