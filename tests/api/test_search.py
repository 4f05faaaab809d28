"""Search over everything: what is found, by what, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
HOSTILE = "<img src=x onerror=alert(1)> ' OR 1=1 -- %_\\"


def device(person: Person, account: Account, eui: str, name: str, **more: Any) -> dict[str, Any]:
    body = {
        "EUI": eui,
        "name": name,
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
    } | more
    made: dict[str, Any] = person.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    return made


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def operator(server: HostedServer, account: Account) -> Person:
    return Person(
        server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
    )


@pytest.fixture(scope="module")
def outsider(server: HostedServer) -> tuple[Person, Account]:
    """A user of another subscriber of another operator."""
    account = sandbox(server.data)
    return Person(server, account.thingpark_username, account.thingpark_password), account


@pytest.fixture(scope="module")
def world(
    server: HostedServer, user: Person, outsider: tuple[Person, Account], account: Account
) -> dict[str, str]:
    meter = device(user, account, "0059AC0000C0FFEE", "Water meter Dam 7")
    user.call("PUT", f"{V1}/devices/{meter['ref']}", {"tags": ["canal", "roof"]})
    device(user, account, "0059AC00BB000002", HOSTILE)
    device(outsider[0], outsider[1], "0059AC00BB00FFEE", "Water meter of somebody else")
    antenna = Antenna(server, account.base_station_eui)
    virtual = radio.device("0059AC0000C0FFEE", KEY)
    radio.join(antenna, virtual)
    antenna.hear(virtual.uplink(1, b"x"))
    server.pass_time(5)
    address = user.call("GET", f"{KPN}/devices/{meter['ref']}")["networkAddress"]
    routing = {"name": "Pumps", "routes": [{"addresses": ["http://127.0.0.1:9/dead-server"]}]}
    profile = user.call("POST", f"{KPN}/routingProfiles", routing)
    user.call("POST", f"{V1}/decoders", {"name": "Water clock", "kind": "CAYENNE_LPP"})
    return {"device": meter["ref"], "address": address, "routing": profile["ref"]}


def found(person: Person, text: str, **more: str) -> dict[str, list[str]]:
    answer = person.http.get(f"{V1}/search", params={"q": text} | more, headers=person.headers("GET"))
    assert answer.status_code == 200, answer.text
    return {group["kind"]: [hit["name"] for hit in group["hits"]] for group in answer.json()["groups"]}


@pytest.mark.parametrize(
    "text", ["0059AC0000C0FFEE", "00-59-ac-00-00-c0-ff-ee", "0059ac0000c0", "c0ffee", "FFEE"]
)
def test_devices_are_found_by_the_beginning_or_end_of_their_deveui(
    user: Person, world: dict[str, str], text: str
) -> None:
    assert found(user, text) == {"device": ["Water meter Dam 7"]}


def test_devices_are_found_by_words_tag_and_devaddr(user: Person, world: dict[str, str]) -> None:
    for text in ("dam meter", "Water", "can", world["address"], world["address"][:6].lower()):
        assert "Water meter Dam 7" in found(user, text)["device"], text
    hit = user.call("GET", f"{V1}/search?q=canal")["groups"][0]["hits"][0]
    assert (hit["ref"], hit["matched"]) == (world["device"], "canal")
    assert found(user, "meter school") == {} and found(user, "   ") == {}


def test_hostile_names_are_found_as_they_are(user: Person, world: dict[str, str]) -> None:
    for text in (HOSTILE, "onerror=", "OR 1=1 --", "%_\\"):
        assert found(user, text) == {"device": [HOSTILE]}, text


def test_other_things_are_found_by_name_id_and_address(user: Person, world: dict[str, str]) -> None:
    assert found(user, "pumps") == found(user, "dead-server") == {"routingProfile": ["Pumps"]}
    assert found(user, "water clock") == {"decoder": ["Water clock"]}
    assert "connectivityPlan" in found(user, "plan") and "deviceProfile" in found(user, "GenericA")


def test_nobody_finds_what_is_not_theirs(
    user: Person, operator: Person, outsider: tuple[Person, Account], world: dict[str, str]
) -> None:
    assert found(outsider[0], "water")["device"] == ["Water meter of somebody else"]
    assert found(outsider[0], "0059AC0000C0FFEE") == {} == found(outsider[0], world["address"])
    assert found(outsider[0], "canal") == {} == found(outsider[0], "dead-server")
    assert found(outsider[0], "clock") == {}
    # Base stations, subscribers and users are the operator's; what its subscribers have, too.
    assert set(found(user, "sandbox")).isdisjoint({"baseStation", "subscriber", "user"})
    mine = found(operator, "sandbox")
    assert {"baseStation", "subscriber", "user"} <= set(mine)
    assert found(operator, "water")["device"] == ["Water meter Dam 7"]
    hit = operator.call("GET", f"{V1}/search?q=pumps")["groups"][0]["hits"][0]
    assert hit["customerId"] and hit["subscriberName"]


def test_more_hits_are_told_of(user: Person, world: dict[str, str]) -> None:
    assert user.call("GET", f"{V1}/search?q=0059AC&limit=1")["groups"][0]["more"]
    assert not user.call("GET", f"{V1}/search?q=0059AC&limit=2")["groups"][0]["more"]
    long = user.http.get(f"{V1}/search", params={"q": "x" * 101}, headers=user.headers("GET"))
    assert (long.status_code, "100 characters" in long.text) == (400, True)
