"""What a base station says, sends and leaves unsaid stands in its statistics, availability and outages."""

from __future__ import annotations

import pytest

from tests.api.antenna import Reporting
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
STATIONS = "/api/v1/operator/baseStations"


@pytest.fixture(scope="module")
def operator(server: HostedServer, account: Account) -> Person:
    name = account.thingpark_username.replace("sandbox", "operator")
    return Person(server, name, account.thingpark_password)


def test_statistics_and_availability_of_a_base_station(
    server: HostedServer, account: Account, operator: Person
) -> None:
    antenna = Reporting(server, account.base_station_eui)
    user = Person(server, account.thingpark_username, account.thingpark_password)
    device = {
        "EUI": "0059AC00DD000001",
        "name": "Meter",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
    }
    user.call("POST", f"{KPN}/devices", device, headers={"api-version": "v1.1.1"})
    virtual = radio.device(device["EUI"], KEY)
    radio.join(antenna, virtual)
    antenna.hear(virtual.uplink(2, b"x"))
    antenna.report(rxnb=10, rxok=8, rxfw=8, ackr=97.5, temp=31.5)
    antenna.report(rxnb=10, rxok=10, rxfw=8, ackr=100, temp=-400)
    # It is away for ten minutes.
    server.pass_time(600)
    antenna.keep_alive()
    server.pass_time(120)
    station = operator.call("GET", STATIONS)[0]["id"]
    slots = operator.call("GET", f"{STATIONS}/{station}/statistics?duration=1&aggregationStep=24")
    total = {
        name: sum(slot[name] for slot in slots) for name in ("uplinks", "packets", "badPackets", "joins")
    }
    assert total == {"uplinks": 1, "packets": 20, "badPackets": 2, "joins": 1}
    slot = next(slot for slot in slots if slot["packets"])
    assert (
        slot["acknowledged"] == pytest.approx(0.9875)
        and slot["temperature"] == slot["temperatureMax"] == 31.5
    )
    assert slot["downlinks"] == {"SENT": 1} and 0 <= slot["roundTrip"] < 5
    assert sum(slot["dutyCycle"].values()) > 0
    found = operator.call("GET", f"{STATIONS}/{station}/availability")
    assert len(found["days"]) == 35 and found["outages"] == 1 and found["awaySince"] is None
    assert 0 < found["connected"] < 0.5 and found["watched"] > 700
    page = operator.call("GET", f"{STATIONS}/{station}/outages?pageSize=1")
    (outage,) = page["outages"]
    assert page["total"] == 1 and outage["ended"] and 600 <= outage["seconds"] < 610
    (share,) = operator.call("GET", f"{STATIONS}/availability")
    assert share["id"] == station and share["connected"] == found["connected"]


def test_another_operator_sees_nothing_of_it(server: HostedServer, operator: Person) -> None:
    station = operator.call("GET", STATIONS)[0]["id"]
    other = sandbox(server.data)
    outsider = Person(
        server, other.thingpark_username.replace("sandbox", "operator"), other.thingpark_password
    )
    for path in ("statistics", "availability", "outages", "channels"):
        assert outsider.request("GET", f"{STATIONS}/{station}/{path}").status_code == 404
    assert station not in {each["id"] for each in outsider.call("GET", f"{STATIONS}/availability")}
    assert operator.request("GET", f"{STATIONS}/{station}/availability?days=36").status_code == 400
