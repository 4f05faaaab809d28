"""The core of the network server as pure functions: state and event to new state, records, effects.

It does no I/O, reads no clock and imports neither asyncio, structlog nor SQLAlchemy.
"""

from .air_schedule import AirSchedule
from .base_station_radios import RadioSettings
from .events import NO_GPS_TIME, Device, DownlinkRequest, Submission, SubmissionRefusal
from .inspection import DeviceView, QueuedView
from .moved import (
    Arrival,
    MovedRadio,
    MovedSession,
    StoredSessions,
    moved_join_memory,
    moved_state,
    stored_sessions,
    strange_channels,
)
from .parameters import NetworkParameters
from .personalised import personalised_state
from .records import (
    BlockedCommand,
    Copy,
    DownlinkRecord,
    DownlinkRejectedRecord,
    FrameKind,
    JoinRecord,
    LocationRecord,
    MulticastRecord,
    MulticastSummaryRecord,
    Record,
    RefusedRecord,
    ResetRecord,
    UplinkRecord,
    decode_copies,
    decode_record,
)
from .state import PortKey, Session
from .transmission import Done
from .transmit_results import ChannelAirtime

__all__ = [
    "NO_GPS_TIME",
    "AirSchedule",
    "Arrival",
    "BlockedCommand",
    "ChannelAirtime",
    "Copy",
    "Device",
    "DeviceView",
    "Done",
    "DownlinkRecord",
    "DownlinkRejectedRecord",
    "DownlinkRequest",
    "FrameKind",
    "JoinRecord",
    "LocationRecord",
    "MovedRadio",
    "MovedSession",
    "MulticastRecord",
    "MulticastSummaryRecord",
    "NetworkParameters",
    "PortKey",
    "QueuedView",
    "RadioSettings",
    "Record",
    "RefusedRecord",
    "ResetRecord",
    "Session",
    "StoredSessions",
    "Submission",
    "SubmissionRefusal",
    "UplinkRecord",
    "addressing",
    "candidates",
    "decode_copies",
    "decode_record",
    "mac_commands",
    "moved_join_memory",
    "moved_state",
    "multicast",
    "parameters",
    "personalised_state",
    "records",
    "state",
    "stored_sessions",
    "strange_channels",
]
