"""The timeline of a device: joins, alarms, downlinks, and who changed what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.e2e.running import command
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
EUI = "0059AC0000C0FFEE"
V1 = "/api/v1"


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def ref(server: HostedServer, user: Person, account: Account) -> str:
    """A device that lived through something of every kind, in this order."""
    body = {
        "EUI": EUI,
        "name": "Meter",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
    }
    made = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    device: str = made["ref"]
    antenna = Antenna(server, account.base_station_eui)
    server.pass_time(5)
    antenna.hear(radio.device(EUI, "0" * 31 + "1").join_request())
    server.pass_time(5)
    virtual = radio.device(EUI, KEY)
    radio.join(antenna, virtual)
    antenna.hear(virtual.uplink(1, b"x"))
    server.pass_time(5)
    user.call("POST", f"{V1}/devices/{device}/downlinks", {"fPort": 3, "payload": "0102"})
    antenna.hear(virtual.uplink(1, b"y"))
    server.pass_time(10)
    user.call("PUT", f"{V1}/devices/{device}", {"name": "Pump", "tags": ["roof"]})
    server.pass_time(5)
    user.call("PUT", f"{KPN}/devices/{device}", {"name": "Pump"})
    location = {"latitude": 52.0, "longitude": 5.0}
    server.pass_time(5)
    user.call("PUT", f"{V1}/devices/{device}/location", location)
    return device


def timeline(person: Person, ref: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.call("GET", f"{V1}/devices/{ref}/timeline?{query}")["events"]
    return found


def test_all_that_happened_stands_newest_first(user: Person, ref: str) -> None:
    events = timeline(user, ref)
    times = [event["time"] for event in events]
    assert times == sorted(times, reverse=True)
    # The clock of this server is virtual, that of its edits is not: each kind by itself.
    found = [(event["kind"], event["what"]) for event in reversed(events)]
    assert [what for kind, what in found if kind == "join"] == ["wrong_mic", "accepted"]
    assert [what for kind, what in found if kind == "edit"] == [
        "device.created",
        "device.downlink",
        "device.changed",
        "device.changed",
        "device.location",
    ]
    assert [what for kind, what in found if kind == "downlink"] == ["failed"]
    assert ("alarm", "raised") in found


def test_edits_say_who_changed_what_and_no_secrets(user: Person, ref: str, server: HostedServer) -> None:
    edits = timeline(user, ref, "kinds=edit")
    location, same, change, _downlink, created = edits
    assert {event["actor"] for event in edits} == {"Sandbox User"}
    assert change["changes"] == {
        "name": {"from": "Meter", "to": "Pump"},
        "tags": {"from": None, "to": ["roof"]},
    }
    assert same["changes"] == {}
    assert location["changes"]["geoLatitude"] == {"from": None, "to": 52.0}
    assert created["changes"]["applicationKey"] == "***" and KEY not in json.dumps(created)
    listed = command("admin", "audit", "--device", ref, "--json", "--data", str(server.data))
    assert [entry["action"] for entry in json.loads(listed)][-1] == "device.created"
    assert len(json.loads(listed)) == 5


def test_it_is_filtered_and_paged(user: Person, ref: str) -> None:
    downlink = timeline(user, ref, "kinds=downlink")
    assert [(event["fPort"], event["what"]) for event in downlink] == [(3, "failed")]
    alarm = timeline(user, ref, "kinds=alarm")[0]
    assert (alarm["alarmTypeId"] > 0, alarm["occurrence"]) == (True, 1)
    assert {event["kind"] for event in timeline(user, ref, "kinds=join,edit")} == {"join", "edit"}
    every, before, pages = timeline(user, ref), "", []
    while True:
        page = user.call("GET", f"{V1}/devices/{ref}/timeline?limit=2{before}")
        pages += page["events"]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert pages == every
    wrong = user.request("GET", f"{V1}/devices/{ref}/timeline?kinds=weather")
    assert (wrong.status_code, "join, alarm" in wrong.text) == (400, True)


def test_nobody_else_sees_it(server: HostedServer, ref: str) -> None:
    other = sandbox(server.data)
    person = Person(server, other.thingpark_username, other.thingpark_password)
    assert person.request("GET", f"{V1}/devices/{ref}/timeline").status_code == 404
