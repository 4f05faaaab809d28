"""Alarm 004 (no uplink activity): thresholds, usual interval, and the time of the next check.

Nobody scans the devices: each has a time at which the store says that it must be looked at. An uplink does
not move it; when the time comes and the device has spoken meanwhile, the next one is set. So a device costs
a look an interval, however often it speaks, and a starting server has nothing to rebuild.
"""

from __future__ import annotations

import msgspec

from veldnet.domain.alarm_levels import Level
from veldnet.monitoring.state import MonitoringState, longest_interval

from .machine import Raised
from .types import SILENCE

# A learnt rhythm never alarms sooner.
_LEAST = 1800.0


class SilenceRules(msgspec.Struct, frozen=True):
    """`inactive_after` is the time in seconds without an uplink after which a device without thresholds is
    lost. With `learnt_factor` it gets an alarm after that many times its longest interval, and a more severe
    one after twice that; 0 disables this."""

    inactive_after: float = 7 * 86_400.0
    learnt_factor: float = 0.0


Steps = tuple[tuple[int, int], ...]


def steps_of(rules: SilenceRules, thresholds: Steps, state: MonitoringState) -> Steps:
    """Seconds of silence and level of each step of alarm 004: the device's own, or learnt ones."""
    if thresholds or not rules.learnt_factor:
        return thresholds
    longest = longest_interval(state)
    if longest is None:
        return ()
    first = round(max(longest * rules.learnt_factor, _LEAST))
    return (first, int(Level.WARNING)), (2 * first, int(Level.MINOR))


def judge(steps: Steps, state: MonitoringState, now: int) -> Raised | None:
    """The alarm that a silent device deserves now, where it is another than it has."""
    last = state.silent_since
    if last is None:
        return None
    silent = (now - last) / 1000
    level = max((level for after, level in steps if silent >= after), default=0)
    alarm = state.alarm(SILENCE)
    if level <= (alarm.state if alarm is not None and alarm.active else 0):
        return None
    return Raised(SILENCE, (str(int(silent // 3600)),), level=Level(level))


def lost(rules: SilenceRules, steps: Steps, state: MonitoringState, now: int) -> bool:
    """Whether a device without alarm 004 has been silent for so long that its connection counts as lost."""
    last = state.silent_since
    return last is not None and not steps and now - last >= rules.inactive_after * 1000


def next_check(rules: SilenceRules, steps: Steps, state: MonitoringState, now: int) -> int | None:
    """When the next step of silence would come, Unix milliseconds; None where none is left."""
    last = state.silent_since
    if last is None:
        return None
    ahead = [last + after * 1000 for after, _level in steps] or [last + int(rules.inactive_after * 1000)]
    return min((moment for moment in ahead if moment > now), default=None)
