"""Downlinks of application servers, from the queue to their end: written with the frames, listed, live."""

from .ledger import Changed, DownlinkLedger, settle
from .listing import (
    Downlink,
    DownlinkCause,
    DownlinkPage,
    DownlinkQuery,
    Status,
    list_downlinks,
    some_downlinks,
)

__all__ = [
    "Changed",
    "Downlink",
    "DownlinkCause",
    "DownlinkLedger",
    "DownlinkPage",
    "DownlinkQuery",
    "Status",
    "list_downlinks",
    "settle",
    "some_downlinks",
]
