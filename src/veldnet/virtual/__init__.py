"""A whole network in one process under a virtual clock: real store, real network server, virtual radio.

Days of traffic pass in minutes, the same for a seed, with loss, duplicates, late copies, base stations that
fail and servers that are killed; invariants are checked after each commit and transmission. And a server for
tests of customers, whose clock they move: `VirtualClock`, `ClockedWorld`.
"""

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
