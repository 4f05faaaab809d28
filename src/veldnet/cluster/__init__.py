"""Several nodes that serve one database together: who is there, who serves which partitions, and the wire
between them."""

from .bus import Bus, BusCounts, BusError, NodeAway, RequestRefused
from .frames import ClusterFrames
from .in_process import BadWire, InProcessBus, Wire
from .membership import Membership
from .owner_calls import Call, OwnerCalls
from .ownership import OneNode, Ownership, PartitionMap, PartitionServer
from .requests import ClusterRequests

__all__ = [
    "BadWire",
    "Bus",
    "BusCounts",
    "BusError",
    "Call",
    "ClusterFrames",
    "ClusterRequests",
    "InProcessBus",
    "Membership",
    "NodeAway",
    "OneNode",
    "OwnerCalls",
    "Ownership",
    "PartitionMap",
    "PartitionServer",
    "RequestRefused",
    "Wire",
]
