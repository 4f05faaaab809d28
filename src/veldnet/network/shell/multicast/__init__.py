"""Multicast groups of the partitions that are served here: submissions, attempts, and their base stations."""

from .groups import GroupParts, MulticastGroups

__all__ = ["GroupParts", "MulticastGroups"]
