"""What the benchmarks send, and how they tell why a device got no answer."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.unit.network.quiet import QuietNetwork
from veldnet.cli.bench import load
from veldnet.cli.bench.load import Generator, Prepared
from veldnet.cli.bench.unanswered import DROPPED, LOST, Cause, ConfirmedUplink, causes
from veldnet.lorawan import GatewayEui
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import Conditions, Kind

EUI = GatewayEui(0x0059AC0000000001)
PULL_DATA, PUSH_DATA = b"\x02\x00\x00\x02" + int(EUI).to_bytes(8, "big"), b"\x02\x00\x00\x00"


@pytest.mark.parametrize("listens", [False, True])
async def test_only_a_generator_that_reads_downlinks_draws_them(
    monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    monkeypatch.setattr(load, "_KEEP_ALIVE", 0.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setblocking(False)
        generator = Generator(server.getsockname(), [EUI])
        if listens:
            generator.begin()
        await generator.send([Prepared((PUSH_DATA + PULL_DATA[4:],))] * 5, 1000)
        generator.close()
        received = set()
        with pytest.raises(BlockingIOError):
            while True:
                received.add(server.recv(100))
    assert (PULL_DATA in received) is listens
    assert PUSH_DATA + PULL_DATA[4:] in received


def test_the_cause_of_each_unanswered_uplink_is_told(tmp_path: Path) -> None:
    """Three devices ask the only base station for an answer at the same time: one gets RX1, one RX2."""

    async def story() -> list[Cause]:
        world = QuietNetwork(tmp_path, 1, conditions=Conditions(kinds=(Kind("1.0.2", "A"),)))
        await world.build(3, stations=1)
        devices = [life.device for life in world.lives]
        for device in devices:
            await world.join(device)
            await asyncio.sleep(10)
        world.downlinks.clear()
        sent = [device.uplink(1, b"x", confirmed=True).phy_payload for device in devices]
        for phy_payload in sent:
            world.bring(phy_payload)
        await asyncio.sleep(10)
        assert [downlink.window.slot for downlink in world.downlinks] == [1, 2]
        answered = {device for device in devices for d in world.downlinks if device.receive(d.phy_payload)}
        (silent,) = [number for number, device in enumerate(devices) if device not in answered]
        await world.network.commits.drain()
        uplinks = [
            ConfirmedUplink(silent + 1, 0, str(EUI), sent[silent], arrived=True),
            ConfirmedUplink(silent + 1, 7, str(EUI), b"", arrived=True),
            ConfirmedUplink(silent + 1, 8, str(EUI), b"", arrived=False),
        ]
        return await world.data.store.read(lambda connection: causes(uplinks, connection))

    busy, dropped, lost = run_virtually(story())
    assert (busy.cause, busy.uplinks) == ("not sent: RX1 A3, RX2 A3", 1)
    assert "FCntUp 0" in busy.first and "RX1 at FF000001: A3; RX2 at FF000001: A3" in busy.first
    assert (dropped.cause, lost.cause) == (DROPPED, LOST)
