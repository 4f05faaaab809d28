"""A town and a device over the sockets of each protocol, and what commands say where something is missing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.e2e.running import Client, RunningServer, command, failing
from tests.e2e.test_basics_station import Authority
from tests.mosquitto import Mosquitto
from tests.person import Person
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"


class Place(NamedTuple):
    server: RunningServer
    broker: Mosquitto
    account: Account
    # How commands reach all of it.
    options: tuple[str, ...]
    folder: Path


@pytest.fixture(scope="module")
def place(data: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("town")
    authority = Authority(folder, "Town")
    certificate, key = authority.issue("lns")
    broker = Mosquitto(folder / "mosquitto", anonymous=True)
    broker.start()
    server = RunningServer(
        data,
        VELDNET_GATEWAYS__BASICS_STATION="127.0.0.1:0",
        VELDNET_GATEWAYS__BASICS_STATION_CERTIFICATE=certificate,
        VELDNET_GATEWAYS__BASICS_STATION_KEY=key,
        VELDNET_GATEWAYS__MQTT=f'["mqtt://127.0.0.1:{broker.port}"]',
        VELDNET_CONSOLE__RATE_LIMIT="0",
    )
    file = folder / "account.json"
    file.write_bytes(msgspec.json.encode(account))
    port = server.addresses["basicsStation"].rpartition(":")[2]
    reach = (
        *("--udp", f"{server.udp[0]}:{server.udp[1]}", "--basics-station", f"wss://localhost:{port}"),
        *("--ca", authority.file, "--broker", f"mqtt://127.0.0.1:{broker.port}"),
    )
    yield Place(server, broker, account, reach, folder)
    assert server.stop() == 0
    broker.stop()


def objects(printed: str) -> list[dict[str, Any]]:
    decoder, found, rest = json.JSONDecoder(), [], printed.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


def test_a_town_whose_base_stations_speak_all_protocols(place: Place) -> None:
    account = str(place.folder / "account.json")
    printed = command(
        *("simulate", "town", "--account", account, "--http", place.server.http, "--protocol", "mixed"),
        *(*place.options, "--devices", "3", "--period", "1.5", "--duration", "14", "--seed", "7", "--json"),
    )
    readings = objects(printed)
    assert len({reading["DevEUI"] for reading in readings}) == 3
    # Every frame is heard by all, each of which brings it in its own way.
    assert max(reading["base_stations"] for reading in readings) == 3
    operator = Person(place.server, place.account.operator_username, place.account.operator_password)
    stations = operator.call("GET", "/api/v1/operator/baseStations")
    assert len(stations) == 3 and all(station["lastFrame"] for station in stations)
    station = next(s["id"] for s in stations if s["gatewayEUI"] != place.account.base_station_eui)
    assert operator.call("GET", f"/api/v1/operator/baseStations/{station}/tokens") == []


@pytest.mark.parametrize("protocol", ["basics-station", "chirpstack-mqtt"])
def test_a_device_over_a_protocol(place: Place, protocol: str) -> None:
    client = Client(place.server, place.account)
    client.activate()
    number = 0x30 if protocol == "basics-station" else 0x31
    routes = [{"contentType": "JSON", "addresses": ["http://127.0.0.1:9/nobody"]}]
    profile = client.call("POST", "/routingProfiles", {"name": protocol, "routes": routes})["id"]
    body = client.device_body(number, applicationKey=KEY, routingProfileId=profile)
    client.call("POST", "/devices", body)
    arguments = (
        *("simulate", "device", "--dev-eui", body["EUI"], "--join-eui", body["applicationEUI"]),
        *("--app-key", KEY, "--base-station-eui", place.account.base_station_eui, *place.options),
        *("--state", str(place.folder / protocol), "--confirmed", "--protocol", protocol),
    )
    if protocol == "basics-station":
        assert "asks base station" in failing(*arguments)
        operator = Person(place.server, place.account.operator_username, place.account.operator_password)
        stations = operator.call("GET", "/api/v1/operator/baseStations")
        (mine,) = (s["id"] for s in stations if s["gatewayEUI"] == place.account.base_station_eui)
        key = operator.call("POST", f"/api/v1/operator/baseStations/{mine}/tokens")["keyFile"]
        (place.folder / "tc.key").write_text(key)
        arguments += ("--token-file", str(place.folder / "tc.key"))
    printed = command(*arguments)
    assert "joined as" in printed and "received acknowledgement" in printed


def test_commands_say_what_is_missing(place: Place, tmp_path: Path) -> None:
    account = str(place.folder / "account.json")
    town = ("simulate", "town", "--account", account, "--http", place.server.http, "--duration", "1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    other = Mosquitto(tmp_path / "other", anonymous=True)
    other.start()
    alone = tmp_path / "alone.json"
    alone.write_bytes(msgspec.json.encode(msgspec.structs.replace(place.account, operator_username="")))
    for arguments, words in (
        ((*town, "--protocol", "carrier-pigeon"), "is none of semtech-udp"),
        ((*town, "--protocol", "mixed"), "needs --broker"),
        ((*town, "--protocol", "chirpstack-mqtt", "--broker", "http://x"), "mqtt://HOST:1883"),
        ((*town, "--protocol", "basics-station", "--basics-station", f"ws://127.0.0.1:{nobody}"), "no LNS"),
        ((*town, "--protocol", "chirpstack-mqtt", "--broker", f"mqtt://127.0.0.1:{nobody}"), "no MQTT"),
        (
            (*town, "--protocol", "chirpstack-mqtt", "--broker", f"mqtt://127.0.0.1:{other.port}"),
            "does it read that broker",
        ),
        ((*town[:3], str(alone), *town[4:], "--base-stations", "2"), "operator_username"),
    ):
        assert words in " ".join(failing(*arguments).split()), arguments
    other.stop()
