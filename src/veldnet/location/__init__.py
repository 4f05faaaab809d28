"""Where a device is, from how base stations heard one frame of it: by differences of arrival times, or by
received power. Pure: no event loop, no logs, no database; see `solver`."""

from .calibration import Calibration, Learnt, Reference
from .model import Answer, Clocks, Fix, Hearing, Limits, Motion, PathLoss, Problem, Refusal, Track
from .solver import solve

__all__ = [
    "Answer",
    "Calibration",
    "Clocks",
    "Fix",
    "Hearing",
    "Learnt",
    "Limits",
    "Motion",
    "PathLoss",
    "Problem",
    "Reference",
    "Refusal",
    "Track",
    "solve",
    "worker",
]
