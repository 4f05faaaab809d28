"""What else `make test-cluster` tries: NATS and PostgreSQL restarted under load, a node whose clock is an
hour ahead, and base stations of every protocol at other nodes than those of their devices."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import postgresql
from tests.e2e import radio, test_basics_station, test_chirpstack_mqtt
from tests.e2e.nodes import Cluster, check_downlinks, check_uplinks, route, settle
from tests.e2e.running import Client, veldnet
from tests.e2e.test_clock_steps import SHIFTED
from tests.mosquitto import Mosquitto
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.bench.fleet import bench_device
from veldnet.cli.bench.load import Prepared, Spread
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import prepare
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.simulator.device import Received, VirtualDevice

pytestmark = pytest.mark.skipif("TEST_CLUSTER" not in os.environ, reason="make test-cluster")

DEVICES, RATE, PIECE = 60, 100.0, 10.0
# Nodes say that they serve again within ten seconds on a machine that has nothing else to do; on a busy one
# each of their rounds, and those of the test, takes a multiple of that.
AGAIN_WITHIN = 60.0
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        await made.build()
        # What is committed outlives a server of the database that is killed, as in service.
        postgresql.server().run(f"ALTER DATABASE {made.database} SET synchronous_commit = on")
        yield made
    finally:
        made.close()


def problems(cluster: Cluster) -> dict[str, list[str]]:
    """What each node says at /readyz."""
    found = {}
    for name, node in cluster.nodes.items():
        answer = httpx.get(f"{node.http}/readyz", timeout=10)
        found[name] = [] if answer.status_code == 200 else answer.text.splitlines()
    return found


async def said(cluster: Cluster, words: str) -> None:
    """Wait until each node says at /readyz why it cannot serve."""
    async with asyncio.timeout(AGAIN_WITHIN):
        while not all(
            any(words in problem for problem in each)
            for each in (await asyncio.to_thread(problems, cluster)).values()
        ):
            await asyncio.sleep(0.2)


async def serving_again(cluster: Cluster) -> None:
    """Wait until each node says that it is ready, and all serve."""
    async with asyncio.timeout(AGAIN_WITHIN):
        while any((await asyncio.to_thread(problems, cluster)).values()):
            await asyncio.sleep(0.2)
    await asyncio.to_thread(cluster.until_served, seconds=AGAIN_WITHIN)


def status(cluster: Cluster) -> dict[str, Any]:
    data = str(cluster.nodes["a"].data)
    printed = veldnet("cluster", "status", "--json", "--data", data, VELDNET_STORE__URL=cluster.url)
    shown: dict[str, Any] = json.loads(printed)
    return shown


def accepted(cluster: Cluster) -> int:
    return int(cluster.query("SELECT count(*) FROM frames WHERE kind = 0 AND outcome = 'accepted'")[0][0])


async def all_taken(cluster: Cluster, spread: Spread, pieces: Sequence[Prepared]) -> None:
    """Send frames, of which each must be accepted: the service is whole again."""
    before = accepted(cluster)
    await spread.send(pieces, RATE)
    async with asyncio.timeout(AGAIN_WITHIN):
        while accepted(cluster) < before + len(pieces):
            await asyncio.sleep(0.2)


async def test_nats_and_postgresql_are_restarted_under_load(cluster: Cluster) -> None:
    sink = Sink()
    address = await sink.start()
    await asyncio.to_thread(cluster.start_all)
    await asyncio.to_thread(route, cluster.client("a"), address)
    await cluster.create_devices(DEVICES, 1)
    space = AddressSpace(network_parameters(Settings().network).net_id)
    fleet = [bench_device(number, space) for number in range(DEVICES)]
    step = int(PIECE * RATE)
    prepared, _confirmed = prepare(5 * step, fleet, cluster.gateways, 2, 1)
    pieces = [prepared[start : start + step] for start in range(0, 5 * step, step)]
    spread = Spread([cluster.nodes[name].udp for name in cluster.names], cluster.gateways)
    spread.begin()

    await all_taken(cluster, spread, pieces[0])
    sending = asyncio.create_task(spread.send(pieces[1], RATE))
    await asyncio.sleep(1)
    cluster.nats.stop()
    await said(cluster, "NATS at 127.0.0.1")
    async with asyncio.timeout(AGAIN_WITHIN):
        # The command and the page show it, too: nodes write it down with their next beats.
        while not all(
            any("NATS at" in problem for problem in node["problems"]) for node in status(cluster)["nodes"]
        ):
            await asyncio.sleep(0.2)
    await asyncio.to_thread(cluster.nats.start)
    await serving_again(cluster)
    await sending
    await all_taken(cluster, spread, pieces[2])

    sending = asyncio.create_task(spread.send(pieces[3], RATE))
    await asyncio.sleep(1)
    server = postgresql.server()
    await asyncio.to_thread(server.stop)
    await said(cluster, "the store does not answer")
    await said(cluster, "the lease of this node could not be renewed")
    await asyncio.to_thread(server.start)
    await serving_again(cluster)
    await sending
    await all_taken(cluster, spread, pieces[4])
    shown = status(cluster)
    assert not shown["unserved"] and not any(node["problems"] for node in shown["nodes"])

    await settle(cluster)
    spread.close()
    check_downlinks(spread)
    # During an outage of the database nothing is accepted.
    check_uplinks(cluster, sink, 0.7 * 5 * step)
    sink.stop()


class Beside:
    """A base station of some protocol, and a device beside it."""

    def __init__(self, station: Any, device: VirtualDevice) -> None:
        self.station = station
        self.device = device
        self.last = -1

    async def join(self) -> None:
        for _attempt in range(10):
            self.station.hear(self.device.join_request())
            await self.received(6.5)
            if self.device.joined:
                return
        raise AssertionError("the device does not join")

    async def received(self, seconds: float = 8.0) -> Received | None:
        """What the device receives next."""
        try:
            frame = await self.station.downlink(seconds)
        except TimeoutError:
            return None
        received = self.device.receive(frame if isinstance(frame, bytes) else frame[0])
        if received is not None and received.fcnt is not None:
            self.last = received.fcnt
        return received


class Devices:
    """Creates devices, by an API of node b."""

    def __init__(self, client: Client, cluster: Cluster, routing_profile: str) -> None:
        self._client = client
        self._cluster = cluster
        self._routing_profile = routing_profile
        self._numbers = itertools.count(0x10)
        self._space = AddressSpace(network_parameters(Settings().network).net_id)

    def create(self, owner: str, profile: str) -> VirtualDevice:
        """A device that a node serves."""
        owners = self._cluster.owners()
        while True:
            body = self._client.device_body(next(self._numbers), applicationKey=KEY)
            device = radio.device(body["EUI"], KEY)
            if owners[self._space.partition_of_device(device.identity.dev_eui)] == owner:
                break
        profiles = {"routingProfileId": self._routing_profile, "deviceProfileId": profile}
        self._client.call("POST", "/devices", body | profiles)
        return device


async def test_base_stations_of_every_protocol_and_devices_meet_over_nodes(
    cluster: Cluster, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("3600")
    broker = Mosquitto(tmp_path / "mosquitto", anonymous=True)
    broker.start()
    behind_broker = {"VELDNET_GATEWAYS__MQTT": f'["mqtt://127.0.0.1:{broker.port}"]'}
    # The clock of node c is an hour ahead, so that it serves no devices, but base stations.
    # Forked servers have their clock already.
    shifted = {"PYTHONPATH": str(SHIFTED), "SHIFTED_CLOCK": str(clock)}
    for name in ("a", "b"):
        await asyncio.to_thread(cluster.start, name, **behind_broker)
    basics = {"VELDNET_GATEWAYS__BASICS_STATION": "127.0.0.1:0"}
    skewed = await asyncio.to_thread(cluster.start, "c", **behind_broker, **basics, **shifted)
    await asyncio.to_thread(cluster.until_served, "a", "b")
    clients = {name: cluster.client(name) for name in cluster.names}
    routes = [{"contentType": "JSON", "addresses": ["http://127.0.0.1:9/nobody"]}]
    made = clients["c"].call("POST", "/routingProfiles", {"name": "nobody", "routes": routes})
    devices = Devices(clients["b"], cluster, made["id"])
    port = skewed.addresses["basicsStation"].rpartition(":")[2]
    station = test_basics_station.Field(str(cluster.gateways[1]), f"ws://127.0.0.1:{port}")
    forwarder = test_chirpstack_mqtt.Field(str(cluster.gateways[2]))
    await station.connect()
    await forwarder.link.connect("127.0.0.1", broker.port)
    forwarder.link.tell_statistics()
    try:
        async with asyncio.timeout(240):
            for at in (station, forwarder):
                for owner, profile in itertools.product("ab", (cluster.account.device_profile_id, CLASS_C)):
                    device = await asyncio.to_thread(devices.create, owner, profile)
                    await talk(Beside(at, device), clients, profile == CLASS_C)
        held = {node["name"]: node["baseStations"] for node in status(cluster)["nodes"]}
        assert held["c"] == 1 and held["a"] + held["b"] == 1, "each base station is one node's"
    finally:
        await station.link.close()
        await forwarder.link.close()
        broker.stop()
    frames = cluster.query("SELECT device_ref, fcnt, count(*) FROM frames WHERE kind = 0 GROUP BY 1, 2")
    assert max(count for _ref, _fcnt, count in frames) == 1, (
        "each frame once, though all nodes hear the broker"
    )


async def talk(field: Beside, clients: dict[str, Client], class_c: bool) -> None:
    """A device joins, is acknowledged, and is sent a downlink that is submitted at each node in turn."""
    await field.join()
    device = field.device
    field.station.hear(device.uplink(3, b"hello", confirmed=True))
    answered = await field.received()
    assert answered is not None and answered.ack
    for name, client in clients.items():
        words = (
            f"DevEUI={device.identity.dev_eui}&FPort=7&Payload={name.encode().hex()}&FCntDn={field.last + 1}"
        )
        answer = await asyncio.to_thread(client.http.post, f"/thingpark/lrc/rest/downlink?{words}")
        assert answer.status_code == 200, answer.text
        if not class_c:
            field.station.hear(device.uplink(3, b"again"))
        received = await field.received()
        assert received is not None and received.fport == 7, f"submitted at {name}"
