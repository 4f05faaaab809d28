"""Multicast groups as pure functions: submissions, counters, attempts and their results, slots, coverage."""

from .cover import Cover, Heard, cover, needed_margin
from .group import GroupContext, GroupKeys, data_rate_of, frequency_of, octets_of
from .queue import ABORTED, OVER_RATE, PARTIAL, SUCCESS, Step, begin, finish_attempt, next_counter, submit
from .state import (
    GroupState,
    QueuedFrame,
    Sending,
    StationResult,
    catch_up,
    decode_group_state,
    encode_group_state,
)
from .windows import Planned, plan_attempt, slots

__all__ = [
    "ABORTED",
    "OVER_RATE",
    "PARTIAL",
    "SUCCESS",
    "Cover",
    "GroupContext",
    "GroupKeys",
    "GroupState",
    "Heard",
    "Planned",
    "QueuedFrame",
    "Sending",
    "StationResult",
    "Step",
    "begin",
    "catch_up",
    "cover",
    "data_rate_of",
    "decode_group_state",
    "encode_group_state",
    "finish_attempt",
    "frequency_of",
    "needed_margin",
    "next_counter",
    "octets_of",
    "plan_attempt",
    "slots",
    "submit",
]
