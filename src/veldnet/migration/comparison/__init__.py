"""Uplinks of two networks compared: frames side by side, and the events that they come as."""

from .events import TOPICS, BadEvent, Rival, read_event, read_own
from .mqtt import BadBroker, BrokerAccess, EventBroker
from .pairs import Comparison, DeviceComparison, Heard, Side, Status

__all__ = [
    "TOPICS",
    "BadBroker",
    "BadEvent",
    "BrokerAccess",
    "Comparison",
    "DeviceComparison",
    "EventBroker",
    "Heard",
    "Rival",
    "Side",
    "Status",
    "read_event",
    "read_own",
]
