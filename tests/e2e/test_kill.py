"""`kill -9` under load, again and again: nothing is lost, nothing is used twice, deliveries go on."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import httpx
import msgspec

from tests.e2e.running import Client, RunningServer, sandbox
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import Fleet, bench_device, create_fleet
from veldnet.cli.bench.load import Generator
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import create_sites, prepare
from veldnet.lorawan import GatewayEui, frames
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings

DEVICES = 100
FRAMES = 4000
RATE = 800.0


def committed(server: RunningServer) -> int:
    text = httpx.get(f"{server.http}/metrics", timeout=10).text
    line = next(line for line in text.splitlines() if line.startswith("veldnet_uplinks_committed_total"))
    return int(float(line.split()[1]))


async def prepare_data(data: Path, address: str) -> list[GatewayEui]:
    """A sandbox whose devices deliver to `address`, with sessions in the store."""
    account = sandbox(data)
    server = RunningServer(data)
    client = Client(server, account)
    client.activate()
    route = {
        "addresses": [address],
        "contentType": "JSON",
        "asId": "as",
        "asKey": "46ab678cd45df4a4e4b3758acd096acc",
    }
    client.call("POST", "/routingProfiles", {"name": "sink", "routes": [route]})
    assert server.stop() == 0
    settings = Settings(data=str(data))
    opened = await DataDirectory.open(settings, create=True)
    await create_fleet(
        opened, network_parameters(settings.network), Fleet(DEVICES, joined=True, routing_profile_ref=1)
    )
    gateways = await create_sites(opened, GatewayEui.parse(account.base_station_eui))
    await opened.close()
    return gateways


async def test_killed_under_load(tmp_path: Path) -> None:
    rng = random.Random(1)
    data = tmp_path / "data"
    sink = Sink()
    gateways = await prepare_data(data, await sink.start())
    space = AddressSpace(network_parameters(Settings().network).net_id)
    prepared, _confirmed = prepare(
        FRAMES, [bench_device(number, space) for number in range(DEVICES)], gateways, 1
    )
    server = RunningServer(data, VELDNET_ROUTING__FIRST_RETRY="200ms")
    sent: dict[tuple[int, int], bytes] = {}
    known_committed = 0
    # Base stations keep their sockets, and the server its port, as where a service manager starts it again.
    generator = Generator(server.udp, gateways)
    generator.begin()
    for piece in range(4):
        batch = prepared[piece * 1000 : (piece + 1) * 1000]
        sending = asyncio.create_task(generator.send(batch, RATE))
        if piece < 3:
            await asyncio.sleep(rng.uniform(0.4, 1.2))
            known_committed += await asyncio.to_thread(committed, server)
            server.kill()
            await asyncio.to_thread(server.start, udp="{}:{}".format(*server.udp))
        await sending
        await asyncio.sleep(0.5)
    generator.close()
    for _when, phy, _timestamp in generator.downlinks:
        frame = frames.parse(phy)
        assert isinstance(frame, frames.DataFrame)
        assert sent.setdefault((frame.dev_addr, frame.fcnt), phy) == phy, "I2 is broken"
    async with asyncio.timeout(60):
        while _pending(data):
            await asyncio.sleep(0.2)
    assert await asyncio.to_thread(server.stop) == 0
    sink.stop()
    _check(data, sink, known_committed)
    assert len(sent) > 100


def _pending(data: Path) -> int:
    with sqlite3.connect(data / "veldnet.db") as database:
        count: int = database.execute("SELECT COUNT(*) FROM deliveries").fetchone()[0]
        return count


def _check(data: Path, sink: Sink, known_committed: int) -> None:
    with sqlite3.connect(data / "veldnet.db") as database:
        rows = database.execute(
            "SELECT device_ref, fcnt, id FROM frames WHERE kind = 0 AND outcome = 'accepted'"
        ).fetchall()
        bodies = dict(database.execute("SELECT frame_id, body FROM frame_bodies WHERE part = 0"))
    accepted = [(device, fcnt) for device, fcnt, _id in rows]
    assert len(accepted) == len(set(accepted)), "I1: an uplink was accepted twice"
    assert len(accepted) >= known_committed > 500, "what was committed before a kill is there"
    assert all(frame_id in bodies for _device, _fcnt, frame_id in rows)
    first_eui = 0x0059ACBE00000000
    for device, fcnt in accepted:
        key = (f"{first_eui + device - 1:016X}".encode(), fcnt)
        assert key in sink.arrived, f"I4: uplink {fcnt} of device {device} was not delivered"
    assert msgspec.json.decode(bodies[rows[0][2]])["type"] == "uplink"
