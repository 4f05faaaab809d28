"""How base stations did over the last weeks: what was measured at them by hours, and when they were away."""

from .channels import ChannelTotals, channel_slots, channel_totals
from .hours import KEPT_DAYS, Channel, Hour, Levels, Measures, Spread
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
    "Channel",
    "ChannelTotals",
    "Hour",
    "Levels",
    "Look",
    "Measures",
    "Outage",
    "OutagePage",
    "Recorder",
    "Spread",
    "StationSlot",
    "availability",
    "channel_slots",
    "channel_totals",
    "list_outages",
    "shares",
    "station_slots",
]
