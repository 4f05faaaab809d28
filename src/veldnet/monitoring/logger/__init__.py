"""Wireless logger: frames as lines, live, searched in the journal, and exported."""

from .export import export_rows
from .lines import PACKET_TYPES, Line, Named, packet_type
from .live import LiveFeed, Subscription, TooManyStreams
from .search import Page, Query, Whose, own_devices, search

__all__ = [
    "PACKET_TYPES",
    "Line",
    "LiveFeed",
    "Named",
    "Page",
    "Query",
    "Subscription",
    "TooManyStreams",
    "Whose",
    "export",
    "export_rows",
    "own_devices",
    "packet_type",
    "search",
]
