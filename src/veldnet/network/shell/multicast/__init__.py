"""Multicast groups of the partitions that are served here: submissions, attempts, and their base stations."""

from .groups import GroupParts, MulticastGroups
from .reading import UnreadableGroup

__all__ = ["GroupParts", "MulticastGroups", "UnreadableGroup"]
