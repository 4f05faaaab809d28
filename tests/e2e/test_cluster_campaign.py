"""`make test-cluster`: a campaign by a group over three nodes on PostgreSQL and NATS; whoever works on it is
killed in the middle, twice."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.customers import KPN
from tests.e2e.nodes import Cluster
from tests.person import Person
from veldnet.lorawan import AesKey, DevEui, GatewayEui, JoinEui, frames
from veldnet.lorawan.regions import EU868
from veldnet.simulator.air import Air
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.device import Identity, VirtualDevice
from veldnet.simulator.life import DeviceLife, Habits
from veldnet.simulator.propagation import Place, Propagation
from veldnet.simulator.sensors import MODELS
from veldnet.simulator.udp_link import UdpLink
from veldnet.simulator.update_client import Answer, UpdateClient

pytestmark = pytest.mark.skipif("TEST_CLUSTER" not in os.environ, reason="make test-cluster")

FILE = random.Random(8).randbytes(400)
DEVICES, LOSS, PERIOD = 4, 0.1, 8.0
CAMPAIGNS, PLANS = "/api/v1/campaigns", "/api/v1/operator/plans"
STATIONS = "/api/v1/operator/baseStations"


class Village:
    """Three base stations, each at a node of its own, and devices that lose a tenth of their downlinks."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.rng = cluster, random.Random(6)
        self.air = Air(Propagation(self.rng))
        self.lives: list[DeviceLife] = []
        self.clients: list[UpdateClient] = []
        # Frames by address and counter.
        self.sent: dict[tuple[int, int], set[bytes]] = {}
        self._links: list[UdpLink] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        for number, name in enumerate(self.cluster.names):
            place = Place(0.5 * number, 0.3)
            station = BaseStation(GatewayEui(int(self.cluster.gateways[number])), place)
            self.air.add(station)
            station.on_air = self._seen(station.on_air)
            self._links.append(await UdpLink.connect(station, *self.cluster.nodes[name].udp, self.rng))

    def _seen(self, on_air: Any) -> Any:
        def see(station: BaseStation, phy_payload: bytes, *rest: Any) -> None:
            frame = frames.parse(phy_payload)
            if isinstance(frame, frames.DataFrame):
                self.sent.setdefault((frame.dev_addr, frame.fcnt), set()).add(phy_payload)
            on_air(station, phy_payload, *rest)

        return see

    def add(self, identity: Identity) -> None:
        device = VirtualDevice(identity, EU868, self.rng, data_rate=5)
        sensor = MODELS[0](self.rng)
        place = Place(self.rng.uniform(0, 1), self.rng.uniform(0, 0.5))
        life = DeviceLife(device, sensor, place, self.air, Habits(PERIOD, 0.0, 3.0), clock=time.time)
        client = UpdateClient(identity.app_key, self.rng)
        client.take, client.hear = self._lossy(client.take), self._lossy(client.hear)  # type: ignore[method-assign]
        life.updates = client
        self.lives.append(life)
        self.clients.append(client)

    def _lossy(self, take: Callable[..., list[Answer]]) -> Callable[..., list[Answer]]:
        return lambda *given: [] if self.rng.random() < LOSS else take(*given)

    def live(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(life.run()) for life in self.lives]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self._links:
            await link.close()


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    cluster = Cluster(tmp_path)
    made = Village(cluster)
    try:
        await cluster.build()
        await asyncio.to_thread(cluster.start_all)
        await made.connect()
        yield made
    finally:
        await made.close()
        cluster.close()


def prepare(village: Village, user: Person, operator: Person) -> list[str]:
    """A plan for groups, and devices with the root key that they need."""
    plan = {"id": "groups-cs/nodes", "name": "Groups", "communicationType": "MULTICAST"}
    rules = {"multicastInterLrrDelay": 1, "downlinkRate": 0}
    operator.call("POST", PLANS, plan | {"settings": rules})
    ref = next(each["ref"] for each in operator.call("GET", PLANS) if each["id"] == plan["id"])
    customer = operator.call("GET", "/api/v1/operator/subscribers")[0]["customerId"]
    operator.call("PUT", f"{PLANS}/{ref}/grants", {"customerId": customer, "granted": 3})
    for number in range(DEVICES):
        identity = Identity(
            DevEui(0x0059AC00CC000000 + number), JoinEui(0x0059AC0000000001), AesKey(secrets.token_bytes(16))
        )
        body = {
            "EUI": str(identity.dev_eui),
            "applicationEUI": str(identity.join_eui),
            "applicationKey": identity.app_key.hex(),
            "deviceProfileId": village.cluster.account.device_profile_id,
        }
        made = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        keys = {"genAppKey": identity.app_key.hex()}
        assert user.request("PUT", f"/api/v1/devices/{made['ref']}/rootKeys", keys).status_code == 204
        village.add(identity)
    return [str(life.device.identity.dev_eui) for life in village.lives]


def begin(user: Person, euis: list[str]) -> str:
    rules = {"answerTimeout": 90, "retries": 10, "dutyCycleShare": 10, "redundancy": 40}
    group = {"lead": 60, "gathering": 600, "downlinkDataRate": 3, "connectivityPlanId": "groups-cs/nodes"}
    content = base64.b64encode(FILE).decode()
    asked = {"name": "Lamps", "content": content, "devices": euis, "multicast": group} | rules
    return str(user.call("POST", CAMPAIGNS, asked)["ref"])


async def until(cluster: Cluster, what: str, seconds: float) -> None:
    """Wait until a query finds something."""
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(cluster.query, what):
        states = await asyncio.to_thread(cluster.query, "SELECT state, reason, tries FROM campaign_devices")
        assert time.monotonic() < end, (what, states)
        await asyncio.sleep(0.2)


async def kill_whoever_leads(cluster: Cluster) -> str:
    """It is started again once the others serve everything."""
    name = (await asyncio.to_thread(cluster.owners))[0]
    cluster.nodes[name].kill()
    others = [each for each in cluster.names if each != name]
    await asyncio.to_thread(cluster.until_served, *others)
    await asyncio.to_thread(cluster.start, name)
    await asyncio.to_thread(cluster.until_served)
    return name


async def test_a_campaign_goes_on_when_whoever_works_on_it_is_killed(village: Village) -> None:
    cluster, account = village.cluster, village.cluster.account
    node = cluster.nodes["b"]
    user = Person(node, account.thingpark_username, account.thingpark_password)
    operator = Person(node, account.operator_username, account.operator_password)
    euis = await asyncio.to_thread(prepare, village, user, operator)
    village.live()
    await until(cluster, f"SELECT 1 FROM hearing HAVING count(DISTINCT device_ref) = {DEVICES}", 120)
    ref = await asyncio.to_thread(begin, user, euis)
    await until(cluster, "SELECT 1 FROM campaign_sessions WHERE sent >= first + 1 AND sent < last", 400)
    killed = [await kill_whoever_leads(cluster)]
    asked = "('statusAsked', 'leavingGroup', 'imageAsked', 'restarting', 'applied')"
    await until(cluster, f"SELECT 1 FROM campaign_devices WHERE state IN {asked}", 600)
    killed.append(await kill_whoever_leads(cluster))
    await until(cluster, "SELECT 1 FROM campaigns WHERE state = 'complete'", 900)
    assert len(killed) == 2
    user = Person(cluster.nodes["c"], account.thingpark_username, account.thingpark_password)
    found: dict[str, Any] = await asyncio.to_thread(user.call, "GET", f"{CAMPAIGNS}/{ref}")
    assert found["devices"] == {"applied": DEVICES}, found
    assert all(client.files[-1] == FILE and client.reboots for client in village.clients)
    assert sum(client.of_group for client in village.clients) > 0
    assert not cluster.query("SELECT 1 FROM multicast_groups")
    assert not cluster.query("SELECT 1 FROM campaign_events")
    # Fragments may have been sent twice, but no counter carried two of them.
    assert all(len(payloads) == 1 for payloads in village.sent.values())
