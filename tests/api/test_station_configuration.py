"""Configuration of base stations for this server, ready to copy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.hosting import HostedServer
from tests.person import Person
from veldnet.simulator.customer import Account

V1 = "/api/v1/operator/baseStations"


@pytest.fixture(scope="module")
def desk(server: HostedServer, account: Account) -> Person:
    name = account.thingpark_username.replace("sandbox", "operator")
    return Person(server, name, account.thingpark_password)


@pytest.fixture(scope="module")
def station(desk: Person) -> dict[str, Any]:
    found: dict[str, Any] = desk.call("GET", V1)[0]
    return found


def test_forwarder_gets_the_servers_address_and_channels(desk: Person, station: dict[str, Any]) -> None:
    made = desk.call("GET", f"{V1}/{station['id']}/configuration?server=lns.example.com")
    assert (made["format"], made["chip"], made["region"]) == ("packet-forwarder", "SX1302", "EU868")
    assert made["served"] is True and made["values"]["serverAddress"] == "lns.example.com"
    [file] = made["files"]
    conf = json.loads(file["content"])
    assert file["name"] == "global_conf.json" and len(conf["SX130x_conf"]) > 12
    assert conf["gateway_conf"]["gateway_ID"] == station["gatewayEUI"]
    assert conf["gateway_conf"]["server_address"] == "lns.example.com"


def test_without_a_name_the_server_is_the_one_that_was_asked(desk: Person, station: dict[str, Any]) -> None:
    made = desk.call("GET", f"{V1}/{station['id']}/configuration?format=kerlink")
    assert made["server"] and f'node = "{made["server"]}"' in made["files"][0]["content"]


@pytest.mark.parametrize(
    ("program", "files"),
    [
        ("packet-forwarder", ["global_conf.json", "local_conf.json"]),
        ("basics-station", ["tc.uri", "station.conf"]),
        ("gateway-bridge", ["chirpstack-gateway-bridge.toml", "global_conf.json", "local_conf.json"]),
        ("mqtt-forwarder", ["chirpstack-mqtt-forwarder.toml", "channels.toml"]),
        ("kerlink", ["lorafwd.toml"]),
    ],
)
def test_each_program_has_its_files(
    desk: Person, station: dict[str, Any], program: str, files: list[str]
) -> None:
    made = desk.call("GET", f"{V1}/{station['id']}/configuration?format={program}&chip=SX1301")
    assert [file["name"] for file in made["files"]] == files
    # Without the setting nobody listens for these.
    assert made["served"] is (program in ("packet-forwarder", "kerlink"))
    assert made["values"]["gatewayEUI"] == station["gatewayEUI"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("server=a%20b", "must be a host name"),
        ("server=x:1700", "without a port"),
        ("format=other", "format"),
        ("chip=SX9", "chip"),
    ],
)
def test_what_no_station_could_use_is_refused(
    desk: Person, station: dict[str, Any], query: str, words: str
) -> None:
    answer = desk.request("GET", f"{V1}/{station['id']}/configuration?{query}")
    assert answer.status_code == 400 and words in answer.text
