"""Several nodes that serve one database together: who is there, who serves which partitions, and the wire
between them."""

from .bus import Bus, BusCounts, BusError, NodeAway, RequestRefused
from .floods import SharedFloods
from .frames import ClusterFrames
from .in_process import BadWire, InProcessBus, Wire
from .membership import Membership, Nodes, VersionMismatch
from .nats_access import NatsAccess
from .node_calls import NodeCalls
from .opening import nats_bus
from .outcomes import SUBJECT as OUTCOMES
from .outcomes import decode_outcome, encode_outcome
from .owner_calls import Call, OwnerCalls
from .ownership import NETWORK, Leases, OneNode, Ownership, PartitionMap, PartitionServer
from .radio_messages import BadMessage
from .requests import ClusterRequests
from .status import (
    FIRST_PARTITION,
    OLDEST_PROTOCOL,
    PROTOCOL,
    ClusterStatus,
    NodeReport,
    NodeView,
    PartReport,
    cluster_status,
    report_of,
)

__all__ = [
    "FIRST_PARTITION",
    "NETWORK",
    "OLDEST_PROTOCOL",
    "OUTCOMES",
    "PROTOCOL",
    "BadMessage",
    "BadWire",
    "Bus",
    "BusCounts",
    "BusError",
    "Call",
    "ClusterFrames",
    "ClusterRequests",
    "ClusterStatus",
    "InProcessBus",
    "Leases",
    "Membership",
    "NatsAccess",
    "NodeAway",
    "NodeCalls",
    "NodeReport",
    "NodeView",
    "Nodes",
    "OneNode",
    "OwnerCalls",
    "Ownership",
    "PartReport",
    "PartitionMap",
    "PartitionServer",
    "RequestRefused",
    "SharedFloods",
    "VersionMismatch",
    "Wire",
    "cluster_status",
    "decode_outcome",
    "encode_outcome",
    "nats_bus",
    "report_of",
]
