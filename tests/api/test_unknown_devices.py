"""Devices that are heard and not registered: who sees them, and in the logger."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.monitoring.unknown_devices import UnknownDevices
from veldnet.simulator.customer import Account

# The tests of this file share a server.

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
EUI = "70B3D57ED0C0FFEE"


class People:
    def __init__(self, server: HostedServer, account: Account) -> None:
        word = account.thingpark_password
        self.account = account
        self.user = Person(server, account.thingpark_username, word)
        self.operator = Person(server, account.thingpark_username.replace("sandbox", "operator"), word)

    def unknown(self) -> dict[str, Any]:
        listed = self.operator.call("GET", f"{V1}/operator/unknownDevices")
        return {each["deviceEUI"] or each["devAddr"]: each for each in listed}


@pytest.fixture(scope="module")
def people(server: HostedServer, account: Account) -> People:
    antenna = Antenna(server, account.base_station_eui)
    newcomer = radio.device(EUI, KEY)
    for _ in range(3):
        antenna.hear(newcomer.join_request())
        server.pass_time(10)
    antenna.hear(radio.personalised("70B3D57ED0000002", "01127FFF", KEY, KEY).uplink(1, b"x"))
    server.pass_time(5)
    return People(server, account)


def test_an_operator_sees_who_asks_to_join(people: People) -> None:
    found = people.unknown()
    device = found[EUI]
    assert (device["joinEUI"], device["frames"], device["devAddr"]) == ("0059AC0000000001", 3, None)
    (heard,) = device["baseStations"]
    assert heard["baseStationName"] == "Sandbox base station 1" and heard["snr"] is not None
    assert device["firstTime"] < device["lastTime"] == heard["time"]
    assert found["01127FFF"]["deviceEUI"] is None


def test_the_logger_names_them_to_the_operator_alone(people: People, server: HostedServer) -> None:
    def lines(person: Person, query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = person.call("GET", f"{V1}/frames?{query}")["frames"]
        return found

    assert len(lines(people.operator, "unknown=true")) == 4
    for query in (f"unknown=true&deviceEUI={EUI}", f"deviceEUI={EUI}", "deviceEUI=70B3*EE"):
        found = lines(people.operator, query)
        assert [(line["deviceEUI"], line["joinEUI"]) for line in found] == [(EUI, "0059AC0000000001")] * 3
    assert [line["devAddr"] for line in lines(people.operator, "devAddr=01127*")] == ["01127FFF"]
    assert lines(people.user, "unknown=true") == [] == lines(people.user, f"deviceEUI={EUI}")
    # Neither another operator, whose base stations did not hear them.
    other = People(server, sandbox(server.data))
    assert other.unknown() == {} and lines(other.operator, "unknown=true") == []


def test_they_are_forgotten_once_registered_and_known_after_a_start(
    people: People, server: HostedServer
) -> None:
    body = {
        "EUI": EUI,
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": people.account.device_profile_id,
    }
    people.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    assert set(people.unknown()) == {"01127FFF"}
    after = UnknownDevices()
    server.run(after.load(server.platform.store))
    assert {device.dev_eui or device.dev_addr: device.frames for device in after.listed()} == {
        EUI: 3,
        "01127FFF": 1,
    }


def test_made_up_euis_do_not_crowd_out_those_that_ask_again(people: People, server: HostedServer) -> None:
    small = UnknownDevices(most=10)
    server.platform.network.commits.join(small)
    antenna = Antenna(server, people.account.base_station_eui)
    again = radio.device("70B3D57ED0000A6A", KEY)
    for _ in range(2):
        antenna.hear(again.join_request())
    for number in range(15):
        antenna.hear(radio.device(f"70B3D57ED1{number:06X}", KEY).join_request())
        server.pass_time(2)
    listed = small.listed()
    assert len(listed) == 10 and listed[-1].dev_eui == "70B3D57ED0000A6A"
    assert listed[0].dev_eui == "70B3D57ED100000E"


@pytest.mark.parametrize(
    ("sent", "entered", "join_eui", "code"),
    [
        ("77665544332211AA", "AA11223344556677", "0059AC0000000001", "device.heard_reversed"),
        ("70B3D57ED0000E5E", "0059AC0000000001", "70B3D57ED0000E5E", "device.heard_swapped"),
        ("70B3D57ED0005555", "70B3D57ED0006666", "0059AC0000000001", "device.not_heard"),
    ],
    ids=["reversed", "swapped", "another"],
)
def test_an_eui_entered_wrongly_is_found_in_what_is_heard(
    people: People, server: HostedServer, sent: str, entered: str, join_eui: str, code: str
) -> None:
    body = {
        "EUI": entered,
        "applicationEUI": join_eui,
        "applicationKey": KEY,
        "deviceProfileId": people.account.device_profile_id,
    }
    made = people.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    Antenna(server, people.account.base_station_eui).hear(radio.device(sent, KEY).join_request())
    server.pass_time(5)
    findings = people.user.call("GET", f"{V1}/devices/{made['ref']}/explanation")["findings"]
    assert code in {finding["code"] for finding in findings}
