"""The network server: a pure core of transitions, and a shell that feeds it and commits what it decides.

The core (`uplink`, `join`, `downlink`, `submission`, `outcome`, `adr`, `transmission`, `mac_commands`) maps
the state of a device and an event to a new state, records and effects; it does no I/O and reads no clock.
The shell (`server`, `deduplication`, `devices`, `commit_loop`, `transmitter`) does.
"""

from .base_station_radios import RadioSettings
from .commit_loop import CommitLoop, Participant, Recorded
from .devices import Entry, new_entry
from .events import Device, SubmissionRefusal
from .explaining import Explanation, explain_device, explain_frame
from .findings import Finding
from .in_words import mac_commands_in_words
from .inspection import DeviceView, QueuedView
from .journal import LATE, OVER_LIMIT, FrameRow, heard_at, tenths, unpack_copies
from .parameters import NetworkParameters
from .personalised import personalised_state
from .records import (
    BlockedCommand,
    Copy,
    DownlinkRecord,
    DownlinkRejectedRecord,
    FrameKind,
    JoinRecord,
    Record,
    RefusedRecord,
    ResetRecord,
    UplinkRecord,
    decode_copies,
    decode_record,
)
from .server import NetworkServer, UnknownDevice
from .state import PortKey

__all__ = [
    "LATE",
    "OVER_LIMIT",
    "BlockedCommand",
    "CommitLoop",
    "Copy",
    "Device",
    "DeviceView",
    "DownlinkRecord",
    "DownlinkRejectedRecord",
    "Entry",
    "Explanation",
    "Finding",
    "FrameKind",
    "FrameRow",
    "JoinRecord",
    "NetworkParameters",
    "NetworkServer",
    "Participant",
    "PortKey",
    "QueuedView",
    "RadioSettings",
    "Record",
    "Recorded",
    "RefusedRecord",
    "ResetRecord",
    "SubmissionRefusal",
    "UnknownDevice",
    "UplinkRecord",
    "decode_copies",
    "decode_record",
    "explain_device",
    "explain_frame",
    "heard_at",
    "mac_commands_in_words",
    "new_entry",
    "personalised_state",
    "tenths",
    "unpack_copies",
]
