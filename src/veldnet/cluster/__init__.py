"""Several nodes that serve one database together: who is there, and who serves which partitions."""

from .membership import Membership
from .ownership import OneNode, Ownership, PartitionMap, PartitionServer

__all__ = ["Membership", "OneNode", "Ownership", "PartitionMap", "PartitionServer"]
