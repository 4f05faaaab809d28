"""`veldnet bench monitoring`: what alarms and statistics cost, with and without them by turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import msgspec

from .uplinks import UplinkLoad, UplinkResult, bench_uplinks

# Which of both comes first alternates too, so that a machine that warms up favours neither.
_ORDER = (True, False, False, True)


class Side(msgspec.Struct, frozen=True):
    """Medians of the rounds, and the rounds themselves."""

    committed_per_second: float
    cpu_seconds_per_1000_uplinks: float
    rounds_per_second: tuple[float, ...]
    rounds_cpu: tuple[float, ...]


class MonitoringResult(msgspec.Struct, frozen=True):
    """`throughput_cost` is the share of uplinks a second that monitoring takes, `cpu_cost` how much more
    processor time an uplink needs."""

    with_monitoring: Side
    without: Side
    throughput_cost: float
    cpu_cost: float


def _side(rounds: Sequence[UplinkResult]) -> Side:
    rates = tuple(result.committed_per_second for result in rounds)
    cpu = tuple(result.cpu_seconds_per_1000_uplinks for result in rounds)
    return Side(median(rates), round(median(cpu), 4), rates, cpu)


async def bench_monitoring(
    data: Path,
    *,
    rate: float,
    seconds: float,
    devices: int,
    rounds: int,
    progress: Callable[[int], None],
) -> MonitoringResult:
    """More uplinks than the server can take, on a fresh store each time."""
    results: dict[bool, list[UplinkResult]] = {True: [], False: []}
    for number in range(2 * rounds):
        enabled = _ORDER[number % len(_ORDER)]
        directory = data / str(number)
        directory.mkdir()
        results[enabled].append(
            await bench_uplinks(
                directory,
                UplinkLoad(rate, seconds, devices),
                deliver=False,
                environment={"VELDNET_ALARMS__ENABLED": "true" if enabled else "false"},
            )
        )
        progress(number + 1)
    having, lacking = _side(results[True]), _side(results[False])
    return MonitoringResult(
        having,
        lacking,
        round(1 - having.committed_per_second / lacking.committed_per_second, 4),
        round(having.cpu_seconds_per_1000_uplinks / lacking.cpu_seconds_per_1000_uplinks - 1, 4),
    )
