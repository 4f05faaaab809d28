"""The device catalogue, codes of devices and root keys entered again, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.lorawan.device_code import crc16
from veldnet.simulator.customer import Account

V1 = "/api/v1"
KEY, OTHER = "8F1CA24B6D0E93577A21C4F8B3D6E905", "8F1CA24B6D0E93577A21C4F8B3D6E906"
EUI = "0059AC00DD00CA01"


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def outsider(server: HostedServer) -> Person:
    """A user of another subscriber, of another operator."""
    other = sandbox(server.data)
    return Person(server, other.thingpark_username, other.thingpark_password)


def test_a_model_is_found_and_chosen(user: Person, outsider: Person) -> None:
    found = user.call("GET", f"{V1}/catalogue/models?search=cayenne%20sensor")
    assert [(each["makerId"], each["modelId"]) for each in found] == [("generic", "cayenne-lpp")]
    model = user.call("GET", f"{V1}/catalogue/models/generic/cayenne-lpp")
    assert {
        "version": "1.0.4",
        "region": "EU868",
        "macVersion": "1.0.4",
        "deviceClass": "A",
        "activationType": "OTAA",
        "decoder": True,
        "hardwareVersions": [],
    } in model["variants"]
    choice = {"makerId": "generic", "modelId": "cayenne-lpp", "version": "1.0.4", "region": "EU868"}
    chosen = user.call("POST", f"{V1}/catalogue/choice", choice)
    assert (chosen["deviceProfileCreated"], chosen["decoder"]) == (True, "CREATED")
    (decoder,) = user.call("GET", f"{V1}/decoders")
    assert decoder["deviceProfileIds"] == [chosen["deviceProfileId"]] and decoder["kind"] == "CAYENNE_LPP"
    made = user.call(
        "POST",
        f"{KPN}/devices",
        {
            "EUI": EUI,
            "applicationEUI": "0059AC0000000001",
            "applicationKey": OTHER,
            "deviceProfileId": chosen["deviceProfileId"],
        },
        headers={"api-version": "v1.1.1"},
    )
    assert made["deviceProfileId"] == "generic/cayenne-lpp/1.0.4/EU868"
    assert user.call("POST", f"{V1}/catalogue/choice", choice)["decoder"] == "KEPT"
    assert outsider.call("GET", f"{V1}/decoders") == []
    for wrong in ({"region": "MARS"}, {"version": "9"}, {"modelId": "none"}, {"makerId": "../generic"}):
        answer = user.http.post(f"{V1}/catalogue/choice", json=choice | wrong, headers=user.headers("POST"))
        assert answer.status_code == 404, wrong


def test_codes_are_read(user: Person, outsider: Person) -> None:
    code = f"LW:D0:0059AC0000000001:{EUI}:002A0001:S7"
    summed = f"{code}:C{crc16(code.encode()):04X}"
    read = user.call("POST", f"{V1}/deviceCodes", {"codes": [summed, "<script>", EUI.lower()]})
    assert read[0] | {"existingRef": ""} == {
        "error": None, "deviceEUI": EUI, "joinEUI": "0059AC0000000001", "vendorId": "002A",
        "vendorProfileId": "0001", "ownerToken": None, "serialNumber": "7", "proprietary": None,
        "checksumMatches": True, "existingRef": "", "model": None,
    }  # fmt: skip
    assert read[0]["existingRef"] == read[2]["existingRef"] and read[0]["existingRef"]
    assert "no code of a device" in read[1]["error"]
    (foreign,) = outsider.call("POST", f"{V1}/deviceCodes", {"codes": [code]})
    assert foreign["existingRef"] is None, "whether somebody else has it is not told"
    for codes in ([], ["x"] * 101):
        answer = user.http.post(f"{V1}/deviceCodes", json={"codes": codes}, headers=user.headers("POST"))
        assert answer.status_code == 400


def test_a_wrong_key_is_entered_again(
    server: HostedServer, user: Person, outsider: Person, account: Account
) -> None:
    (found,) = user.call("GET", f"{V1}/devices?search={EUI}")["devices"]
    path = f"{V1}/devices/{found['ref']}"
    antenna = Antenna(server, account.base_station_eui)
    device = radio.device(EUI, KEY)
    antenna.hear(device.join_request())
    server.pass_time(10)
    assert user.call("GET", f"{path}/session")["session"] is None
    assert user.call("GET", f"{path}/keyChanges") == []

    def change(by: Person, body: dict[str, Any]) -> Any:
        return by.http.put(f"{path}/rootKeys", json=body, headers=by.headers("PUT"))

    for body, word in (
        ({}, "mandatory"),
        ({"applicationKey": "0" * 32}, "one digit"),
        ({"applicationKey": KEY[:-1]}, "32 hexadecimal digits"),
        ({"networkKey": KEY}, "LoRaWAN 1.1"),
    ):
        answer = change(user, body)
        assert answer.status_code == 400 and word in answer.json()["message"], body
        assert KEY[:20] not in answer.text
    assert change(outsider, {"applicationKey": KEY}).status_code == 404
    assert change(user, {"applicationKey": KEY, "resetSession": True}).status_code == 204
    radio.join(antenna, device)
    antenna.hear(device.uplink(1, bytes.fromhex("03670110")))
    server.pass_time(10)
    assert user.call("GET", f"{path}/session")["session"] is not None
    (reading,) = user.call("GET", f"{path}/readings")
    assert reading["values"], "the model's decoder reads it"
    (change_made,) = user.call("GET", f"{path}/keyChanges")
    assert (change_made["keys"], change_made["sessionReset"]) == (["applicationKey"], True)
    assert change_made["user"] and KEY not in str(change_made)
    assert any(each["action"] == "device.rootKeys" for each in user.call("GET", f"{V1}/audit"))
    assert outsider.http.get(f"{path}/keyChanges", headers=outsider.headers("GET")).status_code == 404


def test_no_key_is_in_the_log(server: HostedServer, client: Client) -> None:
    assert client.account is not None
    assert KEY not in server.log and OTHER not in server.log
