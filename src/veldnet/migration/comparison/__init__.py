"""Uplinks of two networks compared: frames side by side, and the events that they come as."""

from .events import JOIN_TOPICS, TOPICS, BadEvent, Rival, read_event, read_own
from .mqtt import BadBroker, BrokerAccess, EventBroker
from .pairs import Comparison, DeviceComparison, Heard, Joined, Side, Status

__all__ = [
    "JOIN_TOPICS",
    "TOPICS",
    "BadBroker",
    "BadEvent",
    "BrokerAccess",
    "Comparison",
    "DeviceComparison",
    "EventBroker",
    "Heard",
    "Joined",
    "Rival",
    "Side",
    "Status",
    "read_event",
    "read_own",
]
