"""Wireless logger: frames as lines, live, searched in the journal, and exported."""

from .export import export_rows
from .journal import StoredBodies, StoredFrame, frames_of, read_frame, records_of
from .lines import PACKET_TYPES, Line, Named, packet_type
from .live import LiveFeed
from .patterns import fits_any
from .search import Page, Query, Whose, own_devices, search

__all__ = [
    "PACKET_TYPES",
    "Line",
    "LiveFeed",
    "Named",
    "Page",
    "Query",
    "StoredBodies",
    "StoredFrame",
    "Whose",
    "export",
    "export_rows",
    "fits_any",
    "frames_of",
    "own_devices",
    "packet_type",
    "read_frame",
    "records_of",
    "search",
]
