"""Several nodes that serve one database together: who is there, who serves which partitions, and the wire
between them."""

from .bus import Bus, BusCounts, BusError, NodeAway, RequestRefused
from .frames import ClusterFrames
from .in_process import BadWire, InProcessBus, Wire
from .membership import Membership
from .ownership import OneNode, Ownership, PartitionMap, PartitionServer

__all__ = [
    "BadWire",
    "Bus",
    "BusCounts",
    "BusError",
    "ClusterFrames",
    "InProcessBus",
    "Membership",
    "NodeAway",
    "OneNode",
    "Ownership",
    "PartitionMap",
    "PartitionServer",
    "RequestRefused",
    "Wire",
]
