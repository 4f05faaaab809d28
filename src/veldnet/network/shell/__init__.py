"""The shell of the network server: admission of frames, devices in memory, commits, and what they lead to."""

from .commit_loop import CommitLoop, Participant, Recorded
from .entries import Entry, new_entry
from .journal import LATE, OVER_LIMIT, heard_at, tenths, unpack_copies
from .multicast import UnreadableGroup
from .options import ServerOptions
from .partitions import Owned, ServedPartitions
from .requests import DeviceRequests, UnknownDevice
from .runtime import Runtime
from .server import NetworkServer

__all__ = [
    "LATE",
    "OVER_LIMIT",
    "CommitLoop",
    "DeviceRequests",
    "Entry",
    "NetworkServer",
    "Owned",
    "Participant",
    "Recorded",
    "Runtime",
    "ServedPartitions",
    "ServerOptions",
    "UnknownDevice",
    "UnreadableGroup",
    "heard_at",
    "new_entry",
    "tenths",
    "unpack_copies",
]
