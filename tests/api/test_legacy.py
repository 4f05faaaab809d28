"""The legacy interface, `api-version: v1.1.1`: no HSM group, payloads in clear, and ABP where the operator
allows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import Client, HostedServer
from tests.e2e import radio
from tests.e2e.running import command
from tests.installation import sandbox
from veldnet.client import read_message

LEGACY = {"api-version": "v1.1.1"}
NWK_S_KEY, APP_S_KEY = "44024241ED4CE9A68C6A8BC055233FD3", "EC925802AE430CA77FD3DD73CB2CC588"
OTHER_KEY = "0123456789ABCDEF0123456789ABCDEE"
TUNNEL_KEY = "46ab678cd45df4a4e4b375Eacd096acc"


class Place:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.account = sandbox(data)
        command(
            *(
                "admin",
                "device-profile",
                "create",
                "ABP/RESETS",
                "May begin again",
                "--operator",
                "sandbox-ope",
            ),
            *("--operator", "sandbox-ope", "--set", "allowABPAutomaticReset=true", "--data", str(data)),
        )
        self.start()
        self.client.activate()
        self.profile = self.client.call(
            "POST",
            "/routingProfiles",
            {
                "name": "AS",
                "routes": [
                    {
                        "contentType": "JSON",
                        "asId": "as",
                        "asKey": TUNNEL_KEY,
                        "addresses": [self.receiver.url],
                    }
                ],
            },
            headers=LEGACY,
        )

    def start(self, *, take_over: bool = False) -> None:
        self.server = HostedServer(self.data, take_over=take_over, VELDNET_API__LEGACY_ABP="true")
        self.receiver = self.server.inbox
        self.client = Client(self.server, self.account)
        self.antenna = Antenna(self.server, self.account.base_station_eui)

    def abp(self, number: int, **changes: Any) -> dict[str, Any]:
        body = {
            "EUI": f"0059AC0000A{number:05X}",
            "activationType": "ABP",
            "networkAddress": f"0112{number:04X}",
            "networkSessionKey": NWK_S_KEY,
            "applicationSessionKeyRules": [{"applicationSessionKey": APP_S_KEY, "sourcePorts": "*"}],
            "deviceProfileId": self.account.device_profile_id,
            "routingProfileId": self.profile["id"],
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        created: dict[str, Any] = self.client.call("POST", "/devices", body, headers=LEGACY)
        return created

    def frame_of(self, device: dict[str, Any], outcome: str) -> None:
        """Wait until the newest frame of a device has an outcome."""
        path = f"/api/v1/devices/{device['ref']}/frames"
        self.server.until(lambda: self.client.http.get(path).json()[0]["outcome"] == outcome)

    def got_two(self, before: int) -> list[Any]:
        bodies = self.server.until(lambda: (got := self.receiver.messages()[before:])[1:] and got)
        return [read_message(body).fields for body in bodies]

    def got(self, before: int) -> Any:
        """The message that came next."""
        return read_message(self.server.until(lambda: self.receiver.messages()[before:])[0])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    built = Place(tmp_path_factory.mktemp("legacy") / "data")
    yield built
    built.server.stop()


def test_an_otaa_device_needs_no_group_and_its_payload_is_in_clear(place: Place) -> None:
    body = place.client.device_body(1, hsmGroupId=None, routingProfileId=place.profile["id"])
    del body["hsmGroupId"]
    refused = place.client.request("POST", "/devices", body)
    assert refused.status_code == 400 and "hsmGroupId" in refused.json()["message"]
    created = place.create(body)
    assert "hsmGroupId" not in created
    virtual = radio.device(body["EUI"], body["applicationKey"])
    radio.join(place.antenna, virtual)
    place.server.until(place.receiver.messages)
    before = len(place.receiver.uplinks())
    place.antenna.hear(virtual.uplink(2, b"clear"))
    message = read_message(place.server.until(lambda: place.receiver.uplinks()[before:])[0])
    assert message.fields["payload_hex"] == b"clear".hex() and not message.fields.get("AppSKey")


def test_an_abp_device_speaks_at_once_and_gets_downlinks(place: Place) -> None:
    created = place.create(place.abp(2))
    assert created["activationType"] == "ABP" and created["networkAddress"] == "01120002"
    shown = place.client.request("GET", f"/devices/{created['ref']}").text
    assert NWK_S_KEY not in shown and APP_S_KEY not in shown and "SessionKey" not in shown
    virtual = radio.personalised(created["EUI"], "01120002", NWK_S_KEY, APP_S_KEY)
    before = len(place.receiver.messages())
    place.antenna.hear(virtual.uplink(5, b"first"))
    message = place.got(before)
    assert message.fields["payload_hex"] == b"first".hex() and message.fields["FCntUp"] == 0
    assert message.fields["DevAddr"].upper() == "01120002"
    # In clear, and unsigned, for this routing profile has no AS key.
    open_profile = place.client.call(
        "POST", "/routingProfiles", {"name": "open", "routes": [{"addresses": [place.receiver.url]}]}
    )
    place.client.call("PUT", f"/devices/{created['ref']}", {"routingProfileId": open_profile["id"]})
    query = {"DevEUI": created["EUI"], "FPort": "7", "Payload": "cafe"}
    assert place.client.http.post("/thingpark/lrc/rest/downlink", params=query).status_code == 200
    # The first uplink was answered with what the network wants the device to use.
    assert place.antenna.downlink(5) is not None
    before = len(place.receiver.messages())
    place.antenna.hear(virtual.uplink(5, b"second"))
    sent = place.antenna.downlink(5)
    assert sent is not None
    received = virtual.receive(sent)
    assert received is not None and (received.fport, received.payload) == (7, b"\xca\xfe")
    assert place.got(before)


def test_ports_have_keys_of_their_own(place: Place) -> None:
    rules = [
        {"applicationSessionKey": APP_S_KEY, "sourcePorts": "1,10-20"},
        {"applicationSessionKey": OTHER_KEY, "sourcePorts": "30"},
    ]
    created = place.create(place.abp(3, applicationSessionKeyRules=rules))
    for fport, key, clear in ((10, APP_S_KEY, True), (30, OTHER_KEY, True), (40, APP_S_KEY, False)):
        virtual = radio.personalised(created["EUI"], "01120003", NWK_S_KEY, key)
        virtual.fcnt_up = fport
        before = len(place.receiver.messages())
        place.antenna.hear(virtual.uplink(fport, b"hello"))
        fields = place.got(before).fields
        assert (fields["payload_hex"] == b"hello".hex()) is clear, fport


def test_a_counter_reset_is_a_replay_unless_its_profile_allows_it(place: Place) -> None:
    strict = place.create(place.abp(4))
    lenient = place.create(place.abp(5, deviceProfileId="ABP/RESETS"))
    for created, address in ((strict, "01120004"), (lenient, "01120005")):
        virtual = radio.personalised(created["EUI"], address, NWK_S_KEY, APP_S_KEY)
        for payload in (b"one", b"two"):
            before = len(place.receiver.messages())
            place.antenna.hear(virtual.uplink(1, payload))
            place.got(before)
        fresh = radio.personalised(created["EUI"], address, NWK_S_KEY, APP_S_KEY)
        before = len(place.receiver.messages())
        place.antenna.hear(fresh.uplink(1, b"again"))
        if created is strict:
            place.frame_of(created, "counter_replayed")
            # An administrator may let it.
            reset = place.client.http.post(f"/api/v1/devices/{created['ref']}/securityContext/reset")
            assert reset.status_code == 204
            notified = place.got(before).fields
            assert (notified["Type"], notified["Var1"]) == ("reset", "admin_reset")
            before = len(place.receiver.messages())
            place.antenna.hear(fresh.uplink(1, b"more"))
            assert place.got(before).fields["payload_hex"] == b"more".hex()
            continue
        first, second = place.got_two(before)
        assert {first.get("Type"), second.get("Type")} == {"reset", None}
        notified, uplink = (first, second) if "Type" in first else (second, first)
        assert notified["Var1"] == "automatic_reset" and uplink["payload_hex"] == b"again".hex()
        before = len(place.receiver.messages())
        place.antenna.hear(fresh.uplink(1, b"next"))
        assert place.got(before).fields["FCntUp"] == 1, "it counts on from there"


def test_an_abp_session_outlives_the_server_and_a_lost_plan(place: Place) -> None:
    created = place.create(place.abp(6))
    virtual = radio.personalised(created["EUI"], "01120006", NWK_S_KEY, APP_S_KEY)
    before = len(place.receiver.messages())
    place.antenna.hear(virtual.uplink(1, b"one"))
    place.got(before)
    place.server.kill()
    place.start(take_over=True)
    plan = place.client.call("GET", f"/devices/{created['ref']}")["connectivityPlanId"]
    path = f"/devices/{created['ref']}"
    place.client.call("PUT", path, {"connectivityPlanId": "reset"})
    place.antenna.hear(virtual.uplink(1, b"lost"))
    place.frame_of(created, "device_inactive")
    place.client.call("PUT", path, {"connectivityPlanId": plan})
    before = len(place.receiver.messages())
    place.antenna.hear(virtual.uplink(1, b"back"))
    assert place.got(before).fields["payload_hex"] == b"back".hex()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"networkAddress": None}, "networkAddress is mandatory"),
        ({"networkAddress": "xyz"}, "networkAddress"),
        ({"networkAddress": "FF120006"}, "NetID"),
        ({"networkSessionKey": None}, "networkSessionKey is mandatory"),
        ({"networkSessionKey": "00"}, "networkSessionKey must be 32"),
        ({"applicationSessionKeyRules": [{"applicationSessionKey": APP_S_KEY}]}, "sourcePorts is mandatory"),
        (
            {"applicationSessionKeyRules": [{"applicationSessionKey": "00", "sourcePorts": "*"}]},
            "applicationSessionKeyRules[0].applicationSessionKey",
        ),
        (
            {"applicationSessionKeyRules": [{"applicationSessionKey": APP_S_KEY, "sourcePorts": "20-10"}]},
            "not within 1 to 223",
        ),
        ({"applicationKey": NWK_S_KEY}, "applicationKey is for OTAA"),
        ({"hsmGroupId": "HSM_X.1"}, "hsmGroupId is for OTAA"),
        ({"activationType": "OTAA"}, "applicationKey is mandatory"),
    ],
)
def test_bad_abp_devices_get_clear_words(place: Place, changes: dict[str, Any], words: str) -> None:
    answer = place.client.request("POST", "/devices", place.abp(99, **changes), headers=LEGACY)
    assert answer.status_code == 400 and words in answer.json()["message"], answer.text
    assert NWK_S_KEY not in answer.text


def test_abp_belongs_to_the_legacy_interface(place: Place) -> None:
    answer = place.client.request("POST", "/devices", place.abp(99))
    assert answer.status_code == 400 and "v1.1.1" in answer.json()["message"]
    answer = place.client.request(
        "POST",
        "/devices",
        place.client.device_body(98, networkSessionKey=NWK_S_KEY),
    )
    assert answer.status_code == 400 and "networkSessionKey is for activationType ABP" in answer.text
    created = place.create(place.abp(7))
    changed = place.client.request("PUT", f"/devices/{created['ref']}", {"networkSessionKey": OTHER_KEY})
    assert changed.status_code == 400 and "cannot be changed" in changed.text


def test_abp_devices_come_as_csv(place: Place) -> None:
    keys = f'"<AppSKeys><AppSKey Port=""1-9"">{APP_S_KEY}</AppSKey></AppSKeys>"'
    model, profile = place.account.device_profile_id, place.profile["id"]
    rows = f"CREATE_ABP,0059AC0000A000F1,011200F1,{model},{NWK_S_KEY},{keys},,,{profile},,csv\n"
    refused = place.client.http.post("/api/v1/devices/import", content=rows)
    assert "[400]" in refused.text and "v1.1.1" in refused.text
    answer = place.client.http.post("/api/v1/devices/import", content=rows, headers=LEGACY)
    assert "[200] created as" in answer.text
    virtual = radio.personalised("0059AC0000A000F1", "011200F1", NWK_S_KEY, APP_S_KEY)
    before = len(place.receiver.messages())
    place.antenna.hear(virtual.uplink(3, b"csv"))
    assert place.got(before).fields["payload_hex"] == b"csv".hex()
