"""A whole network in one process under a virtual clock: real store, real network server, virtual radio.

Days of traffic pass in minutes, the same for a seed, with loss, duplicates, late copies, base stations that
fail and servers that are killed; invariants are checked after each commit and transmission. And a server for
tests of customers, whose clock they move: `VirtualClock`, `ClockedWorld`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import VirtualClock, VirtualClockLoop
    from .cluster import ClusterFaults, VirtualCluster
    from .faults import Faults
    from .invariants import Checker, InvariantBroken
    from .mortal import EPOCH, Steps
    from .network import Conditions, VirtualNetwork
    from .population import MIXED, PLAIN, Kind
    from .week import Week, WeekResult
    from .world import ClockedWorld

__all__ = [
    "EPOCH",
    "MIXED",
    "PLAIN",
    "Checker",
    "ClockedWorld",
    "ClusterFaults",
    "Conditions",
    "Faults",
    "InvariantBroken",
    "Kind",
    "Steps",
    "VirtualClock",
    "VirtualClockLoop",
    "VirtualCluster",
    "VirtualNetwork",
    "Week",
    "WeekResult",
    "faults",
    "report",
    "results",
]

# A server under a virtual clock needs little of a virtual network, whose links load as much as the server.
_MODULES = {
    "VirtualClock": "clock",
    "VirtualClockLoop": "clock",
    "ClusterFaults": "cluster",
    "VirtualCluster": "cluster",
    "Faults": "faults",
    "Checker": "invariants",
    "InvariantBroken": "invariants",
    "EPOCH": "mortal",
    "Steps": "mortal",
    "Conditions": "network",
    "VirtualNetwork": "network",
    "MIXED": "population",
    "PLAIN": "population",
    "Kind": "population",
    "Week": "week",
    "WeekResult": "week",
    "ClockedWorld": "world",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
