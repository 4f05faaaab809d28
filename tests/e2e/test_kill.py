"""`kill -9` under load, again and again: nothing is lost, nothing is used twice, deliveries go on, by HTTP of
routes and by MQTT and NATS of flows."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import msgspec
from sqlalchemy import Connection

from tests.brokers import MqttApplication, NatsApplication
from tests.e2e.running import Client, RunningServer, sandbox
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import Fleet, bench_device, create_fleet
from veldnet.cli.bench.load import Generator
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import create_sites, prepare
from veldnet.domain.flows import ConnectionSettings
from veldnet.inventory import accounts, flows
from veldnet.lorawan import GatewayEui, frames
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import NetworkSettings, Settings

# `make simulation` kills it three times.
LONG = "VELDNET_SIMULATION_SEEDS" in os.environ
DEVICES = 100
PIECES = 4 if LONG else 3
PIECE = 600 if LONG else 400
RATE = 500.0


def committed(server: RunningServer) -> int:
    text = httpx.get(f"{server.http}/metrics", timeout=10).text
    line = next(line for line in text.splitlines() if line.startswith("veldnet_uplinks_committed_total"))
    return int(float(line.split()[1]))


def create_flow(database: Connection, settings: Sequence[ConnectionSettings]) -> None:
    """A flow of all devices over connections."""
    scope = accounts.scope_of_user(database, 1)
    assert scope is not None
    refs = []
    for each in settings:
        body = flows.Connection(name=each.type, type=each.type, address=each.address, topic=each.topic)
        prepared = flows.prepare(body, None, allow_private=True)
        refs.append(str(flows.create_connection(database, scope, body, prepared, 0).ref))
    flows.create_flow(database, scope, flows.Flow(name="All", connectionRefs=refs))


async def prepare_data(
    data: Path, address: str, connections: Sequence[ConnectionSettings] = ()
) -> list[GatewayEui]:
    """A sandbox whose devices deliver to `address` and over connections, with sessions in the store."""
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
    # A busy machine misses some windows of a second; and yet some downlinks are to be sent before a kill.
    settings = Settings(data=str(data), network=NetworkSettings(rx1_delay=2))
    opened = await DataDirectory.open(settings, create=True)
    await create_fleet(
        opened, network_parameters(settings.network), Fleet(DEVICES, joined=True, routing_profile_ref=1)
    )
    if connections:
        await opened.store.write(lambda c: create_flow(c, connections))
    gateways = await create_sites(opened, GatewayEui.parse(account.base_station_eui))
    await opened.close()
    return gateways


async def test_killed_under_load(tmp_path: Path) -> None:
    data = tmp_path / "data"
    sink = Sink()
    applications = MqttApplication(tmp_path / "mosquitto", "5"), NatsApplication(tmp_path / "nats")
    async with AsyncExitStack() as stack:
        for application in applications:
            stack.push_async_callback(application.close)
            await application.start()
        await _killed_under_load(data, sink, applications)


async def _keep_alive(generator: Generator) -> None:
    """A server that has just begun learns from this where to send downlinks."""
    while True:
        generator.keep_alive()
        await asyncio.sleep(0.2)


async def _commits(server: RunningServer, wanted: int, sending: asyncio.Task[float]) -> int:
    """How many uplinks are committed, as soon as they are `wanted`. A server that has more to do than it can
    drops frames, and does not come so far; with the first that was sent it may begin when all are sent."""
    async with asyncio.timeout(60):
        while True:
            over = sending.done()
            found = await asyncio.to_thread(committed, server)
            if found >= wanted or (over and found):
                return found
            await asyncio.sleep(0.02)


Applications = tuple[MqttApplication, NatsApplication]


async def _killed_under_load(data: Path, sink: Sink, applications: Applications) -> None:
    rng = random.Random(1)
    gateways = await prepare_data(data, await sink.start(), [each.settings for each in applications])
    space = AddressSpace(network_parameters(Settings().network).net_id)
    prepared, _confirmed = prepare(
        PIECES * PIECE, [bench_device(number, space) for number in range(DEVICES)], gateways, 1
    )
    server = RunningServer(data, VELDNET_ROUTING__FIRST_RETRY="200ms")
    sent: dict[tuple[int, int], bytes] = {}
    known_committed = known_sent = 0
    # Base stations keep their sockets, and the server its port, as where a service manager starts it again.
    generator = Generator(server.udp, gateways)
    generator.begin()
    keeping = asyncio.create_task(_keep_alive(generator))
    for piece in range(PIECES):
        batch = prepared[piece * PIECE : (piece + 1) * PIECE]
        sending = asyncio.create_task(generator.send(batch, RATE))
        if piece < PIECES - 1:
            wanted = rng.randint(PIECE // 5, PIECE // 2)
            known_committed += await _commits(server, wanted, sending)
            server.kill()
            await asyncio.to_thread(server.start, udp="{}:{}".format(*server.udp))
            known_sent = len(generator.downlinks)
        await sending
        await asyncio.sleep(0.5)
    # Downlinks follow those of before the last kill.
    async with asyncio.timeout(60):
        while len(generator.downlinks) <= known_sent + 20:
            await asyncio.sleep(0.1)
    keeping.cancel()
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
    accepted = _check(data, sink, known_committed)
    for application in applications:
        # What the broker has acknowledged, it hands over in its own time.
        async with asyncio.timeout(60):
            while not accepted <= _arrived(application):
                await asyncio.sleep(0.1)
        _check_order(application)
    assert len(sent) > 100


def _uplinks(application: MqttApplication | NatsApplication) -> list[tuple[str, int]]:
    """DevEUI and counter of what has come over a connection."""
    ups = [body["DevEUI_uplink"] for body in application.bodies if "DevEUI_uplink" in body]
    return [(up["DevEUI"], up["FCntUp"]) for up in ups]


def _arrived(application: MqttApplication | NatsApplication) -> set[tuple[str, int]]:
    return set(_uplinks(application))


def _check_order(application: MqttApplication | NatsApplication) -> None:
    """Of a device, what comes for the first time comes in order; repetitions may come."""
    highest: dict[str, int] = {}
    for dev_eui, fcnt in dict.fromkeys(_uplinks(application)):
        assert fcnt > highest.get(dev_eui, 0), f"uplink {fcnt} of {dev_eui} came too late"
        highest[dev_eui] = fcnt


def _pending(data: Path) -> int:
    with sqlite3.connect(data / "veldnet.db") as database:
        count: int = database.execute("SELECT COUNT(*) FROM deliveries").fetchone()[0]
        return count


def _check(data: Path, sink: Sink, known_committed: int) -> set[tuple[str, int]]:
    """Returns DevEUI and counter of what was accepted."""
    with sqlite3.connect(data / "veldnet.db") as database:
        rows = database.execute(
            "SELECT device_ref, fcnt, id FROM frames WHERE kind = 0 AND outcome = 'accepted'"
        ).fetchall()
        bodies = dict(database.execute("SELECT frame_id, body FROM frame_bodies WHERE part = 0"))
    accepted = [(device, fcnt) for device, fcnt, _id in rows]
    assert len(accepted) == len(set(accepted)), "I1: an uplink was accepted twice"
    assert len(accepted) >= known_committed > 0, "what was committed before a kill is there"
    assert all(frame_id in bodies for _device, _fcnt, frame_id in rows)
    first_eui = 0x0059ACBE00000000
    named = {(f"{first_eui + device - 1:016X}", fcnt) for device, fcnt in accepted}
    for dev_eui, fcnt in named:
        assert (dev_eui.encode(), fcnt) in sink.arrived, f"I4: uplink {fcnt} of {dev_eui} was not delivered"
    assert msgspec.json.decode(bodies[rows[0][2]])["type"] == "uplink"
    return named
