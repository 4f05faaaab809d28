"""Flows and connections: messages of devices to applications, in their dialects, over MQTT and HTTP.

`table` holds flows and connections, `matching` makes messages of a record within its commit, and `connectors`
has them decoded, transformed and carried by the transport of each connection (`mqtt`, `http`).
"""

from .connectors import TRANSPORTS, Connectors, Decode, NotNow, nowhere
from .interface import ACTIVE, ERROR, WAITING, Condition, ConnectionTransport, MakeTransport, Surroundings
from .matching import FlowMessages
from .model import Connection, Decoding, Event, Flow, Incoming, Outgoing
from .table import FlowTable

__all__ = [
    "ACTIVE",
    "ERROR",
    "TRANSPORTS",
    "WAITING",
    "Condition",
    "Connection",
    "ConnectionTransport",
    "Connectors",
    "Decode",
    "Decoding",
    "Event",
    "Flow",
    "FlowMessages",
    "FlowTable",
    "Incoming",
    "MakeTransport",
    "NotNow",
    "Outgoing",
    "Surroundings",
    "nowhere",
]
