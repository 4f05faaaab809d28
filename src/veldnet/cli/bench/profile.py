"""`veldnet bench profile`: the processor time of an uplink by the stages of its path."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import msgspec
from rich.table import Table

from veldnet.cli.sampled import Samples

from .server import BenchServer, ServerFailed
from .stages import OTHER, seconds_by_stage
from .uplinks import UplinkLoad, UplinkResult, bench_uplinks

# Seconds in which the stacks are written.
_WRITTEN_WITHIN = 20.0


class StageCost(msgspec.Struct, frozen=True):
    """`us` is microseconds of processor time for each uplink, `share` the part of all."""

    stage: str
    us: float
    share: float


class ProfileResult(msgspec.Struct, frozen=True):
    """`stages` in the order of the path; together they are `us`, the processor time of the server for each
    uplink, without the process of the vault. The rest is as of `bench uplinks`."""

    us: float
    samples: int
    stages: tuple[StageCost, ...]
    load: UplinkResult


class Sampling:
    """Samples a server while it is measured; `file` is where it writes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.samples: Samples | None = None

    @property
    def module(self) -> tuple[str, ...]:
        """What the server is run by."""
        return ("veldnet.cli.sampled", str(self.file))

    async def begin(self, server: BenchServer) -> None:
        os.kill(server.process.pid, signal.SIGUSR1)

    async def end(self, server: BenchServer) -> None:
        os.kill(server.process.pid, signal.SIGUSR2)
        self.samples = await asyncio.to_thread(self._read)

    def _read(self) -> Samples:
        until = time.monotonic() + _WRITTEN_WITHIN
        while not self.file.exists():
            if time.monotonic() > until:
                raise ServerFailed("the server has written no samples")
            time.sleep(0.05)
        return msgspec.json.decode(self.file.read_bytes(), type=Samples)


async def bench_profile(
    data: Path, load: UplinkLoad, *, deliver: bool, stacks: Path | None = None
) -> ProfileResult:
    """As `bench uplinks`, with the server sampled. `stacks` is where to write them, folded, for programs that
    draw flame graphs."""
    profile = Sampling(data / "samples.json")
    result = await bench_uplinks(data, load, deliver=deliver, profile=profile)
    samples = profile.samples
    if samples is None or not result.committed:
        raise ServerFailed("nothing was committed, so there is nothing to tell")
    if stacks is not None:
        await asyncio.to_thread(stacks.write_text, folded(samples))
    return _result(samples, result)


def _result(samples: Samples, result: UplinkResult) -> ProfileResult:
    each = 1e6 / result.committed
    by_stage = seconds_by_stage(samples.stacks)
    # Threads without Python, such as those of libraries.
    by_stage[OTHER] = by_stage.get(OTHER, 0.0) + max(samples.seconds - sum(by_stage.values()), 0.0)
    stages = tuple(
        StageCost(stage, round(seconds * each, 1), round(seconds / samples.seconds, 3))
        for stage, seconds in by_stage.items()
    )
    return ProfileResult(round(samples.seconds * each, 1), samples.ticks, stages, result)


def profile_table(result: ProfileResult) -> Table:
    """What people read."""
    table = Table(title="Processor time of an uplink", title_justify="left")
    table.add_column("stage")
    table.add_column("µs", justify="right")
    table.add_column("%", justify="right")
    for cost in result.stages:
        table.add_row(cost.stage, f"{cost.us:.1f}", f"{100 * cost.share:.1f}")
    table.add_section()
    table.add_row("together", f"{result.us:.1f}", "100")
    return table


def folded(samples: Samples) -> str:
    """A line for each stack, outermost first, with its microseconds."""
    return "".join(
        f"{';'.join(reversed(stack.functions))} {round(stack.seconds * 1e6)}\n" for stack in samples.stacks
    )
