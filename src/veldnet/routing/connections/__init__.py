"""Flows: messages of devices to applications, in their dialects, over connections.

`table` holds flows and connections, `matching` makes messages of a record within its commit, and `connectors`
has them decoded, transformed and carried by the transport of each connection.
"""

from .connectors import TRANSPORTS, Connectors, Decode, NotNow, nowhere
from .matching import FlowMessages
from .model import Decoding, Event, Flow
from .table import FlowTable

__all__ = [
    "TRANSPORTS",
    "Connectors",
    "Decode",
    "Decoding",
    "Event",
    "Flow",
    "FlowMessages",
    "FlowTable",
    "NotNow",
    "nowhere",
]
