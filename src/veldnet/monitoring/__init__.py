"""How the network is doing. In this version: the retention of the journal."""

from .retention import prune

__all__ = ["prune"]
