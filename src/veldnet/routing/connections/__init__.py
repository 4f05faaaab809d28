"""Flows: messages of devices to applications, in their dialects, over connections.

`table` holds flows and connections, `matching` makes messages of a record within its commit, and
`open_connections` has them decoded, transformed and carried by the transport of each connection.
"""

from .matching import FlowMessages
from .model import Decoding, Event, Flow
from .open_connections import TRANSPORTS, Decode, NotNow, OpenConnections, nowhere
from .table import FlowTable

__all__ = [
    "TRANSPORTS",
    "Decode",
    "Decoding",
    "Event",
    "Flow",
    "FlowMessages",
    "FlowTable",
    "NotNow",
    "OpenConnections",
    "nowhere",
]
