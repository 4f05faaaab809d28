"""A server whose clock is set back by an hour and ahead by ten years, between its lives and during one: every
uplink that it hears is accepted, kept and delivered."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.running import RunningServer
from tests.e2e.test_kill import committed, prepare_data
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import bench_device
from veldnet.cli.bench.load import Generator
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import prepare
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.store import millis_of

HOUR, YEAR = 3600.0, 365 * 86_400.0
SHIFTED = Path(__file__).parent / "shifted"
# Seconds by which the clock is ahead; None for a restart.
STEPS = (0.0, None, -HOUR, 10 * YEAR, 0.0, None, -HOUR)
# `make simulation` sends twice as many.
EACH = 150 if "VELDNET_SIMULATION_SEEDS" in os.environ else 75
DEVICES = 50
# Uplinks a second, few enough for a busy machine: what waits too long at the server's door is dropped there.
RATE = 60.0


def kept(data: Path) -> list[int]:
    """Identifiers of the accepted uplinks."""
    with sqlite3.connect(data / "veldnet.db") as database:
        query = "SELECT id FROM frames WHERE kind = 0 AND outcome = 'accepted' ORDER BY id"
        return [identifier for (identifier,) in database.execute(query)]


async def until(met: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(met):
            await asyncio.sleep(0.1)


async def test_b1_clock_steps_lose_nothing(tmp_path: Path) -> None:
    data, clock = tmp_path / "data", tmp_path / "clock"
    clock.write_text("0")
    sink = Sink()
    gateways = await prepare_data(data, await sink.start())
    space = AddressSpace(network_parameters(Settings().network).net_id)
    lives = [step for step in STEPS if step is not None]
    fleet = [bench_device(number, space) for number in range(DEVICES)]
    prepared, _confirmed = prepare(EACH * len(lives), fleet, gateways, 1)
    server = RunningServer(data, PYTHONPATH=str(SHIFTED), SHIFTED_CLOCK=str(clock))
    sent, highest = 0, 0
    for step in STEPS:
        if step is None:
            assert await asyncio.to_thread(server.stop) == 0
            continue
        clock.write_text(str(step))
        if server.process.poll() is not None:
            await asyncio.to_thread(server.start)
        await asyncio.sleep(0.1)
        generator = Generator(server.udp, gateways)
        generator.begin()
        await generator.send(prepared[sent : sent + EACH], RATE)
        sent += EACH
        await until(lambda: len(kept(data)) >= sent)  # noqa: B023
        generator.close()
        ids = kept(data)
        assert len(ids) == sent and sum(number > highest for number in ids) == EACH, "above all before"
        highest = ids[-1]
        assert millis_of(highest) / 1000 >= time.time() + max(0.0, step) - 60, "the clock was set"
    await until(lambda: len(sink.arrived) >= sent)
    assert committed(server) == EACH
    assert await asyncio.to_thread(server.stop) == 0
    sink.stop()
    assert "commit_failed" not in server.log.read_text()
