"""The shell of the network server: reception, devices in memory, commits, transmission and vault orders."""

from .commit_loop import CommitLoop, Participant, Recorded
from .devices import Entry, new_entry
from .journal import LATE, OVER_LIMIT, heard_at, tenths, unpack_copies
from .server import NetworkServer, UnknownDevice

__all__ = [
    "LATE",
    "OVER_LIMIT",
    "CommitLoop",
    "Entry",
    "NetworkServer",
    "Participant",
    "Recorded",
    "UnknownDevice",
    "heard_at",
    "new_entry",
    "refusals",
    "tenths",
    "unpack_copies",
]
