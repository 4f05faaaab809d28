"""Confirmed uplinks are answered in time, and probes are, whatever HTTP clients do."""

from __future__ import annotations

import contextlib
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.attackers import ATTACKS
from tests.e2e.radio import Antenna, device, join
from tests.e2e.running import Client, RunningServer
from tests.person import Person
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice

APP_KEY = "00112233445566778899AABBCCDDEEFF"


# The device asks more often than any device may: one base station would be on air, or about to be.
STATIONS = 20
# So many uplinks while all kinds attack at once; `make fuzz` sends more.
UPLINKS = 15 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 8


class Radio:
    """A device that has joined, and the base stations that hear it by turns."""

    def __init__(self, server: RunningServer, account: Account, client: Client) -> None:
        eui = client.call("POST", "/devices", client.device_body(0xC6))["EUI"]
        operator = Person(
            server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
        )
        euis = [f"0059AC00C60000{number:02X}" for number in range(STATIONS)]
        for station in euis:
            body = {"gatewayEUI": station, "name": station}
            operator.call("POST", "/api/v1/operator/baseStations", body)
        antennas = [Antenna(station) for station in euis]
        for antenna in antennas:
            antenna.connect(server.udp)
        self.antennas = itertools.cycle(antennas)
        self.device: VirtualDevice = device(eui, APP_KEY)
        join(antennas[0], self.device)

    def answered(self, count: int) -> list[float]:
        """Seconds until each of so many confirmed uplinks was acknowledged. What comes too late for RX2, two
        seconds after an uplink, is not sent any more."""
        waits = []
        for number in range(count):
            antenna = next(self.antennas)
            antenna.keep_alive()
            sent = self.device.uplink(1, b"%d" % number, confirmed=True)
            begun = time.monotonic()
            antenna.hear(sent)
            answer = antenna.downlink(2.5)
            assert answer is not None, f"confirmed uplink {number} was not answered"
            waits.append(time.monotonic() - begun)
            self.device.receive(answer)
        return waits


@pytest.fixture(scope="module")
def radio(server: RunningServer, account: Account, client: Client) -> Radio:
    return Radio(server, account, client)


@contextlib.contextmanager
def attack(server: RunningServer, **counts: int) -> Iterator[None]:
    port = server.http.rpartition(":")[2]
    running = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.e2e.attackers", port, "60"),
            *(f"{kind}={count}" for kind, count in counts.items()),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    try:
        assert running.stdout.readline() == "attacking\n"
        yield
        assert running.poll() is None, "the attack goes on"
    finally:
        running.kill()
        running.wait()


def check_probes(server: RunningServer) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx.get(server.http + path, timeout=5).status_code == 200, path


@pytest.mark.parametrize("kind", sorted(set(ATTACKS) - {"idle"}))
def test_c6_an_attack_of_one_kind(server: RunningServer, radio: Radio, kind: str) -> None:
    with attack(server, **{kind: 10}):
        waits = radio.answered(4)
        check_probes(server)
    print(kind, [round(wait, 3) for wait in waits])


def test_c6_idle_and_hostile_connections(server: RunningServer, radio: Radio, client: Client) -> None:
    kinds = [kind for kind in ATTACKS if kind not in ("idle", "garbage")]
    with attack(server, idle=2000, **{kind: 5 - (index > 1) for index, kind in enumerate(kinds)}):
        waits = radio.answered(UPLINKS)
        check_probes(server)
        assert client.http.get("/api/v1/statistics").status_code == 200
    print("all", [round(wait, 3) for wait in waits], statistics.median(waits))
