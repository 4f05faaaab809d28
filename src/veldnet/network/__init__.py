"""The network server: a pure core of transitions, and a shell that feeds it and commits what it decides.

The core (`core`) maps the state of a device and an event to a new state, records and effects, without I/O or
a clock. The shell (`shell`) does.
"""

from .core.base_station_radios import RadioSettings
from .core.events import Device, SubmissionRefusal
from .core.inspection import DeviceView, QueuedView
from .core.parameters import NetworkParameters
from .core.personalised import personalised_state
from .core.records import (
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
from .core.state import PortKey
from .shell.commit_loop import CommitLoop, Participant, Recorded
from .shell.devices import Entry, new_entry
from .shell.journal import LATE, OVER_LIMIT, heard_at, tenths, unpack_copies
from .shell.server import NetworkServer, UnknownDevice

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
    "FrameKind",
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
    "core",
    "decode_copies",
    "decode_record",
    "heard_at",
    "new_entry",
    "personalised_state",
    "shell",
    "tenths",
    "unpack_copies",
]
