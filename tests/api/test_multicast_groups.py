"""Multicast groups: created, given members, sent to through base stations that answer, and reported on."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from sqlalchemy import update

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.person import Person
from tests.rsa_keys import private_key, public_pem
from veldnet.assembly.member_keys import member_keys
from veldnet.connections import Outcome
from veldnet.domain.groups import MemberKeys, NoMemberKeys
from veldnet.lorawan import AesKey, DevAddr, frames
from veldnet.lorawan.crypto import DOWNLINK, aes_decrypt, aes_encrypt, crypt_payload, data_mic
from veldnet.lorawan.packages.multicast_keys import (
    encrypt_mc_key,
    mc_app_s_key,
    mc_ke_key,
    mc_nwk_s_key,
    mc_root_key_10,
)
from veldnet.simulator.customer import Account
from veldnet.store.coverage import HearingRow, add_hearing
from veldnet.store.schema import alarms

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
MC_KEY = AesKey.parse(KEY)
GEN_APP_KEY = "51D0C7A2B39E48F6602B1E7D94A85F3C"
V1 = "/api/v1"
LEGACY = {"api-version": "v1.1.1"}
GROUPS = f"{V1}/multicastGroups"
PLAN = "groups-cs/multicast"
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"
_numbers = itertools.count(1)
_STEP = 0.25


class Lights:
    """An operator with three base stations and a plan for groups, and a subscriber with street lights."""

    def __init__(self, server: HostedServer, account: Account, user: Person, operator: Person) -> None:
        self.server, self.user, self.operator = server, user, operator
        self.account = account
        body = {"id": PLAN, "name": "Groups", "communicationType": "MULTICAST"}
        self.operator.call("POST", f"{V1}/operator/plans", body | {"settings": {"downlinkRate": 0}})
        plans = self.operator.call("GET", f"{V1}/operator/plans")
        self.plan = next(plan for plan in plans if plan["id"] == PLAN)
        self.grant(40)
        profile = self.user.call(
            "POST",
            f"{KPN}/routingProfiles",
            {"name": "Lights", "routes": [{"addresses": [server.inbox.url], "contentType": "JSON"}]},
        )
        self.routing, self.routing_ref = profile["id"], profile["ref"]
        for number in (2, 3):
            made = {"gatewayEUI": f"0059AC00006C{number:04X}", "name": f"Mast {number}", "latitude": 52.0}
            self.operator.call("POST", f"{V1}/operator/baseStations", made | {"longitude": 5.0})
        listed = self.operator.call("GET", f"{V1}/operator/baseStations")
        self.antennas = {station["id"]: Antenna(server, station["gatewayEUI"]) for station in listed}
        self.masts = [station["id"] for station in listed if station["name"].startswith("Mast")]
        (self.distant,) = self.antennas.keys() - set(self.masts)

    def grant(self, granted: int) -> None:
        customer = self.operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
        body = {"customerId": customer, "granted": granted}
        self.operator.call("PUT", f"{V1}/operator/plans/{self.plan['ref']}/grants", body)

    def group(self, **changes: Any) -> dict[str, Any]:
        body = {
            "EUI": f"0059AC00AF{next(_numbers):06X}",
            "name": "Market square",
            "deviceClass": "C",
            "connectivityPlanId": PLAN,
            "routingProfileId": self.routing,
            "multicastKey": KEY,
        } | changes
        body = {name: value for name, value in body.items() if value is not None}
        made: dict[str, Any] = self.user.call("POST", GROUPS, body)
        return made

    def device(self, **changes: Any) -> dict[str, Any]:
        body = {
            "EUI": f"0059AC00BF{next(_numbers):06X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": CLASS_C,
        } | changes
        made: dict[str, Any] = self.user.call("POST", f"{KPN}/devices", body, headers=LEGACY)
        return made

    def heard(self, seconds: float, refusing: dict[str, str] | None = None) -> list[tuple[float, str, bytes]]:
        """What the base stations are given meanwhile: seconds from now, base station and frame."""
        begun, found = self.server.clock(), []
        while self.server.clock() < begun + seconds:
            for station, antenna in self.antennas.items():
                error = (refusing or {}).get(station, "")
                octets = radio.Antenna.downlink(antenna, 0.0005, error)
                if octets is not None:
                    found.append((self.server.clock() - begun, station, octets))
            self.server.pass_time(_STEP)
        return found

    def keep_alive(self) -> None:
        for antenna in self.antennas.values():
            antenna.keep_alive()

    def summaries(self) -> list[dict[str, Any]]:
        bodies = [json.loads(body) for body in self.server.inbox.messages() if body[:1] == b"{"]
        return [body["DevEUI_multicast_summary"] for body in bodies if "DevEUI_multicast_summary" in body]


@pytest.fixture(scope="module")
def lights(server: HostedServer, account: Account, user: Person, operator: Person) -> Lights:
    return Lights(server, account, user, operator)


def opened(octets: bytes, address: str, key: AesKey = MC_KEY) -> tuple[int, int, bytes]:
    """Counter, port and payload of a frame, as a device of the group opens it."""
    dev_addr = DevAddr.parse(address)
    frame = frames.parse(octets)
    assert isinstance(frame, frames.DataFrame) and frame.dev_addr == dev_addr
    mic = data_mic(mc_nwk_s_key(key, dev_addr), DOWNLINK, dev_addr, frame.fcnt, octets[:-4])
    assert mic == frame.mic
    assert frame.fport is not None and frame.frm_payload is not None
    app = mc_app_s_key(key, dev_addr)
    return frame.fcnt, frame.fport, crypt_payload(app, DOWNLINK, dev_addr, frame.fcnt, frame.frm_payload)


def test_a_group_of_class_c_is_sent_to_by_three_base_stations(lights: Lights) -> None:
    group = lights.group()
    lights.keep_alive()
    sent = lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", {"fPort": 5, "payload": "0B0E"})
    heard = lights.heard(8)
    assert {station for _at, station, _octets in heard} == set(lights.antennas)
    assert len({octets for _at, _station, octets in heard}) == 1, "every base station sends the same frame"
    assert opened(heard[0][2], group["networkAddress"]) == (0, 5, bytes.fromhex("0B0E"))
    # Two stand side by side, and must not send at once; the third is far away.
    begun = {station: at for at, station, _octets in heard}
    first, second = (begun[station] for station in lights.masts)
    assert abs(first - second) > 4.5
    assert min(first, second) == begun[lights.distant]
    frame = lights.user.call("GET", f"{GROUPS}/{group['ref']}/downlinks/{sent['id']}")
    assert (frame["status"], frame["baseStations"], frame["succeeded"], frame["fCntDown"]) == (
        "SUCCESS",
        3,
        3,
        0,
    )
    assert [outcome["cause"] for outcome in frame["outcomes"]] == ["00", "00", "00"]
    (summary,) = [one for one in lights.summaries() if one["DevEUI"] == group["EUI"]]
    assert summary["TransmissionStatus"] == "SUCCESS"
    assert (summary["LrrCnt"], summary["LrrSuccessCnt"], summary["LrrFailedCnt"]) == (3, 3, 0)


def test_base_stations_that_fail_are_tried_again_and_reported(lights: Lights) -> None:
    group = lights.group()
    lights.keep_alive()
    body = {"fPort": 5, "payload": "01", "correlationId": "00000000000000AB"}
    sent = lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", body)
    first = lights.masts[0]
    heard = lights.heard(8, refusing={first: "COLLISION_PACKET"})
    path = f"{GROUPS}/{group['ref']}/downlinks/{sent['id']}"
    frame = lights.user.call("GET", path)
    assert (frame["status"], frame["succeeded"], frame["causes"]) == ("SENDING", 2, {"A3": 1})
    lights.server.pass_time(45)
    lights.keep_alive()
    again = lights.heard(12)
    assert [(station, octets) for _at, station, octets in again] == [(first, heard[0][2])]
    frame = lights.user.call("GET", path)
    assert (frame["status"], frame["attempts"], frame["causes"]) == ("SUCCESS", 2, {})
    partial, success = (one for one in lights.summaries() if one["DevEUI"] == group["EUI"])
    assert partial["TransmissionStatus"] == "PARTIAL"
    assert partial["LrrFailedDistribution"] == "A3=1"
    assert (success["TransmissionStatus"], success["CorrelationID"]) == ("SUCCESS", "00000000000000AB")
    lines = lights.user.call("GET", f"{V1}/frames")["frames"]
    kinds = [line["type"] for line in lines if line["groupRef"] == group["ref"]]
    assert kinds == ["MULTICAST_SUMMARY", "MULTICAST_SUMMARY", "DOWNLINK_MULTICAST"]
    newest = next(line for line in lines if line["groupRef"] == group["ref"])
    assert (newest["deviceName"], newest["deliveries"]) == (group["name"], "OK")
    detail = lights.user.call("GET", f"{V1}/frames/{newest['id']}")
    assert detail["record"]["succeeded"] == 3


def test_base_stations_are_chosen_by_tag_or_by_who_hears_the_members(lights: Lights) -> None:
    first, second = lights.masts
    path = f"{V1}/operator/baseStations/{second}/tags"
    lights.operator.call("PUT", path, {"tags": ["harbour", "harbour"]})
    assert lights.operator.call("GET", path) == {"tags": ["harbour"]}
    assert lights.user.call("GET", f"{GROUPS}/tags") == [{"name": "harbour", "baseStations": 1}]
    group = lights.group(baseStationCoverage="TAGS", baseStationTags=["harbour"])
    lights.keep_alive()
    lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", {"fPort": 5, "payload": "01"})
    assert [station for _at, station, _octets in lights.heard(2)] == [second]
    lamp = lights.device()
    heard = HearingRow(int(lamp["ref"]), int(first, 16), 1, 5, 1.0, 30.0, 1)
    lights.server.run(lights.server.platform.store.write(lambda c: add_hearing(c, [heard])))
    change = {"baseStationCoverage": "MEMBERS"}
    assert lights.user.call("PUT", f"{GROUPS}/{group['ref']}", change)["baseStationCoverage"] == "MEMBERS"
    unheard = lights.device()
    both = {"deviceEUIs": [lamp["EUI"], unheard["EUI"]]}
    added = lights.user.call("POST", f"{GROUPS}/{group['ref']}/members", both)
    assert added == {"changed": 2, "memberCount": 2}
    assert lights.user.call("POST", f"{GROUPS}/{group['ref']}/members", both)["changed"] == 0
    found = lights.user.call("GET", f"{GROUPS}/{group['ref']}/baseStations")
    assert [station["id"] for station in found["baseStations"]] == [first]
    assert (found["members"], found["unheardCount"], found["unheard"]) == (2, 1, [unheard["EUI"]])
    members = lights.user.call("GET", f"{GROUPS}/{group['ref']}/members")["members"]
    assert {one["deviceEUI"]: one["baseStationId"] for one in members} == {
        lamp["EUI"]: first,
        unheard["EUI"]: None,
    }
    table = lights.user.request("GET", f"{GROUPS}/{group['ref']}/members/export").text.splitlines()
    assert table[0].startswith("deviceRef,deviceEUI") and len(table) == 3
    lights.keep_alive()
    lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", {"fPort": 5, "payload": "02"})
    ((_at, station, octets),) = lights.heard(2)
    assert (station, opened(octets, group["networkAddress"])[0]) == (first, 1)


def test_application_servers_submit_to_a_group_as_to_a_device(lights: Lights) -> None:
    group = lights.group()
    http = lights.server.connect()
    query = f"DevEUI={group['EUI']}&FPort=5&Payload=0102"
    answer = http.post(f"/thingpark/lrc/rest/downlink?{query}")
    assert (answer.status_code, "Request queued by LRC" in answer.text) == (200, True)
    assert http.post(f"/thingpark/lrc/rest/v2/downlink?{query}").status_code == 202
    confirmed = http.post(f"/thingpark/lrc/rest/v2/downlink?{query}&Confirmed=1")
    assert (confirmed.status_code, confirmed.json()["code"]) == (409, 103)
    twice = f"{query}&RetryIneligibleGateways=2"
    assert http.post(f"/thingpark/lrc/rest/v2/downlink?{twice}").json()["code"] == 120
    assert "Must be 0 or 1" in http.post(f"/thingpark/lrc/rest/downlink?{twice}").text
    encrypted = http.post(f"/thingpark/lrc/rest/v2/downlink?{query}&FCntDn=1")
    assert encrypted.json()["code"] == 101, "two are ahead of it"
    frames_of = lights.user.call("GET", f"{GROUPS}/{group['ref']}/downlinks?limit=1")
    assert (frames_of["frames"][0]["fPort"], frames_of["next"]) == (5, frames_of["frames"][0]["id"])
    listed = lights.user.call("GET", f"{GROUPS}?text={group['EUI'][-6:].lower()}")
    assert [one["ref"] for one in listed["groups"]] == [group["ref"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"EUI": "12"}, "EUI"),
        ({"deviceClass": "A"}, "deviceClass"),
        ({"pingSlotPeriod": 8}, "class B"),
        ({"deviceClass": "B"}, "pingSlotPeriod"),
        ({"deviceClass": "B", "pingSlotPeriod": 3}, "pingSlotPeriod"),
        ({"multicastKey": "12"}, "multicastKey"),
        ({"multicastKey": "1" * 32}, "one digit repeated"),
        ({"networkSessionKey": KEY}, "excludes"),
        ({"hsmGroupId": "HSM_NO.1"}, "its vault makes"),
        ({"region": "US915"}, "not served"),
        ({"downlinkDataRate": 15}, "downlinkDataRate"),
        ({"downlinkFrequency": 915.0}, "EU868"),
        ({"downlinkFrequency": 1e308}, "lies in no band"),
        ({"baseStationCoverage": "TAGS"}, "baseStationTags"),
        ({"connectivityPlanId": "nobody/plan"}, "ConnectivityPlan"),
        ({"routingProfileId": "TWA_1.1"}, "routingProfileId"),
        ({"networkAddress": "xyz"}, "networkAddress"),
    ],
)
def test_a_group_that_cannot_work_is_refused(lights: Lights, changes: dict[str, Any], words: str) -> None:
    body = {
        "EUI": f"0059AC00AF{next(_numbers):06X}",
        "name": "Wrong",
        "deviceClass": "C",
        "connectivityPlanId": PLAN,
        "multicastKey": KEY,
    }
    answer = lights.user.request("POST", GROUPS, body | changes)
    assert answer.status_code == 400 and words in answer.text, answer.text


def test_plans_addresses_and_deveuis_are_of_one_kind(lights: Lights) -> None:
    plans = lights.user.call("GET", f"{KPN}/connectivityPlans")
    unicast = next(plan["id"] for plan in plans if plan["communicationType"] == "UNICAST")
    used = next(plan["usedConnections"] for plan in plans if plan["id"] == PLAN)
    body = {"EUI": f"0059AC00AF{next(_numbers):06X}", "name": "Plan", "deviceClass": "C", "multicastKey": KEY}
    answer = lights.user.request("POST", GROUPS, body | {"connectivityPlanId": unicast})
    assert answer.status_code == 400 and "MULTICAST is needed" in answer.text
    group = lights.group()
    lamp = {
        "EUI": group["EUI"],
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": CLASS_C,
    }
    assert "already registered" in lights.user.request("POST", f"{KPN}/devices", lamp, headers=LEGACY).text
    other = lamp | {"EUI": f"0059AC00BF{next(_numbers):06X}", "connectivityPlanId": PLAN}
    assert "UNICAST is needed" in lights.user.request("POST", f"{KPN}/devices", other, headers=LEGACY).text
    same = lights.user.request("POST", GROUPS, body | {"networkAddress": group["networkAddress"]})
    assert "address of another multicast group" in same.text
    device = lights.device()
    taken = lights.user.request("POST", GROUPS, body | {"EUI": device["EUI"]})
    assert taken.status_code == 400 and "already registered" in taken.text
    plans = lights.user.call("GET", f"{KPN}/connectivityPlans")
    assert next(plan["usedConnections"] for plan in plans if plan["id"] == PLAN) == used + 1
    removed = lights.operator.request("DELETE", f"{V1}/operator/plans/{lights.plan['ref']}")
    assert removed.status_code == 400 and "multicast group" in removed.text
    lights.user.request("DELETE", f"{GROUPS}/{group['ref']}").raise_for_status()
    assert lights.user.request("GET", f"{GROUPS}/{group['ref']}").status_code == 404


def test_members_are_of_the_same_subscriber_and_class(lights: Lights, outsider: Person) -> None:
    group = lights.group()
    path = f"{GROUPS}/{group['ref']}/members"
    resting = lights.device(deviceProfileId=lights.account.device_profile_id)
    refused = lights.user.request("POST", path, {"deviceEUIs": [resting["EUI"]]})
    assert refused.status_code == 400 and "class A" in refused.text
    profile = outsider.call("GET", f"{KPN}/deviceProfiles")[0]["id"]
    foreign = {
        "EUI": f"0059AC00BF{next(_numbers):06X}",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": profile,
    }
    outsider.call("POST", f"{KPN}/devices", foreign, headers=LEGACY)
    refused = lights.user.request("POST", path, {"deviceEUIs": [foreign["EUI"]]})
    assert refused.status_code == 400 and "there is no device" in refused.text
    assert lights.user.call("GET", path) == {"members": [], "total": 0}
    for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/members"), ("GET", "/downlinks")):
        assert outsider.request(method, f"{GROUPS}/{group['ref']}{rest}").status_code == 404
    downlink = {"fPort": 1, "payload": "01"}
    answer = outsider.request("POST", f"{GROUPS}/{group['ref']}/downlinks", downlink)
    assert answer.status_code == 404
    changed = lights.user.request("PUT", f"{GROUPS}/{group['ref']}", {"deviceClass": "B"})
    assert changed.status_code == 400 and "cannot change" in changed.text


def test_members_get_the_key_of_the_group_encrypted(lights: Lights) -> None:
    platform = lights.server.platform
    group, lamp, bare = lights.group(), lights.device(), lights.device()
    path = f"{V1}/devices/{lamp['ref']}"
    assert lights.user.request("PUT", f"{path}/rootKeys", {"genAppKey": GEN_APP_KEY}).status_code == 204
    assert lights.user.call("GET", f"{path}/keyChanges")[0]["keys"] == ["genAppKey"]
    refs = [int(lamp["ref"]), int(bare["ref"]), 10**9]
    keys = lights.server.run(member_keys(platform.store, platform.vault, refs, int(group["ref"])))
    of_lamp, of_bare, of_none = (keys[ref] for ref in refs)
    assert isinstance(of_lamp, MemberKeys)
    ke_key = mc_ke_key(mc_root_key_10(AesKey.parse(GEN_APP_KEY)))
    assert of_lamp.mc_key_encrypted == encrypt_mc_key(ke_key, AesKey.parse(KEY))
    assert isinstance(of_bare, NoMemberKeys) and "no GenAppKey" in of_bare.reason
    assert isinstance(of_none, NoMemberKeys) and "gone" in of_none.reason


def test_the_vault_of_an_hsm_group_makes_the_keys(lights: Lights) -> None:
    """The network signs with the McNwkSKey; the McAppSKey reaches the customer under its AS transport key,
    and members get the McKey of which both are derived."""
    hsm = lights.account.hsm_group_id
    without = lights.group(multicastKey=None, hsmGroupId=hsm)
    refused = lights.user.request("GET", f"{GROUPS}/{without['ref']}/applicationSessionKey")
    assert refused.status_code == 400 and "no AS transport key" in refused.text
    made = lights.user.call(
        "PUT",
        f"{KPN}/routingProfiles/{lights.routing_ref}",
        {"hsmGroupId": hsm, "rsaPublicKey": public_pem()},
    )
    transport_key = AesKey(
        private_key().decrypt(bytes.fromhex(made["rsaEncryptedASKey"]), padding.PKCS1v15())
    )
    group = lights.group(multicastKey=None, hsmGroupId=hsm)
    assert (group["payloadEncrypted"], group["hsmGroupId"]) == (True, hsm)
    path, dev_addr = f"{GROUPS}/{group['ref']}", DevAddr.parse(group["networkAddress"])
    wrapped = lights.user.call("GET", f"{path}/applicationSessionKey")["encryptedApplicationSessionKey"]
    app_s_key = AesKey(aes_decrypt(transport_key, bytes.fromhex(wrapped)))
    plain = lights.user.request("POST", f"{path}/downlinks", {"fPort": 5, "payload": "01"})
    assert plain.status_code == 400 and "(code 119)" in plain.text
    payload = crypt_payload(app_s_key, DOWNLINK, dev_addr, 0, b"\x0b")
    lights.keep_alive()
    lights.user.call("POST", f"{path}/downlinks", {"fPort": 5, "payload": payload.hex(), "fCntDown": 0})
    heard = [octets for _at, _station, octets in lights.heard(8)]
    octets = next(each for each in heard if each[1:5] == dev_addr.to_wire())
    lamp = lights.device(hsmGroupId=hsm)
    keys = {"genAppKey": GEN_APP_KEY}
    assert lights.user.request("PUT", f"{V1}/devices/{lamp['ref']}/rootKeys", keys).status_code == 204
    assert lights.user.call("POST", f"{path}/members", {"deviceEUIs": [lamp["EUI"]]})["memberCount"] == 1
    platform, ref = lights.server.platform, int(lamp["ref"])
    found = lights.server.run(member_keys(platform.store, platform.vault, [ref], int(group["ref"])))[ref]
    assert isinstance(found, MemberKeys)
    ke_key = mc_ke_key(mc_root_key_10(AesKey.parse(GEN_APP_KEY)))
    mc_key = AesKey(aes_encrypt(ke_key, found.mc_key_encrypted))
    assert mc_app_s_key(mc_key, dev_addr) == app_s_key
    assert opened(octets, group["networkAddress"], mc_key) == (0, 5, b"\x0b")
    used = lights.operator.request("DELETE", f"{V1}/operator/hsmGroups/{hsm}")
    assert used.status_code == 400 and "multicast group" in used.text


def test_the_paths_of_oss(lights: Lights, outsider: Person) -> None:
    base = "/thingpark/wireless/rest/subscriptions/mine/multicastGroups"
    group = lights.group(name="Canal")
    listed = lights.user.call("GET", f"{base}?devEUI={group['EUI'].lower()}&name=can")
    assert [(one["uid"], one["class"]) for one in listed["briefs"]] == [(group["ref"], "C")]
    assert (
        lights.user.call("GET", f"{base}?devAddr={group['networkAddress']}")["briefs"][0]["name"] == "Canal"
    )
    path = f"{base}/{group['ref']}"
    assert lights.user.call("GET", f"{path}/bss")["bsCount"] == len(lights.antennas)
    lights.keep_alive()
    sent = lights.user.request("POST", f"{path}/admins/downlink?payload=0102&fPort=5")
    assert sent.status_code == 204, sent.text
    wrong = f"{path}/admins/downlink?payload=01&fPort=5&retryIneligibleGateways=2"
    assert lights.user.request("POST", wrong).status_code == 400
    lights.heard(8)
    (frame,) = lights.user.call("GET", f"{path}/frames")["briefs"]
    assert (frame["status"], frame["fCnt"], frame["bsSuccessCount"]) == ("SUCCESS", 0, 3)
    assert lights.user.call("GET", path)["lastFCntDn"] == 0
    missing = lights.user.request("POST", f"{path}/admins/downlink?fPort=5")
    assert missing.status_code == 400 and "payload is mandatory" in missing.text
    for rest in ("", "/bss", "/frames"):
        assert outsider.request("GET", f"{path}{rest}").status_code == 404


def test_a_group_of_class_b_without_gps_time_is_refused_at_once(lights: Lights) -> None:
    group = lights.group(deviceClass="B", pingSlotPeriod=128)
    path = f"{GROUPS}/{group['ref']}/downlinks"
    lights.keep_alive()
    sent = lights.user.call("POST", path, {"fPort": 5, "payload": "01"})
    # The ping slot is anywhere within 128 seconds; what base stations have refused counts for a minute.
    for _second in range(150):
        lights.keep_alive()
        lights.heard(1, refusing=dict.fromkeys(lights.antennas, "GPS_UNLOCKED"))
        if lights.user.call("GET", f"{path}/{sent['id']}")["causes"]:
            break
    assert lights.user.call("GET", f"{path}/{sent['id']}")["causes"] == {"DC": 3}
    refused = lights.user.request("POST", path, {"fPort": 5, "payload": "01"})
    assert refused.status_code == 400 and "GPS time" in refused.text
    http = lights.server.connect()
    query = f"DevEUI={group['EUI']}&FPort=5&Payload=0102"
    answer = http.post(f"/thingpark/lrc/rest/v2/downlink?{query}")
    assert (answer.status_code, answer.json()["code"]) == (409, 115)


def test_hours_count_downlinks_of_groups_and_what_is_undelivered_has_the_name(lights: Lights) -> None:
    def sent() -> int:
        hours = lights.user.call("GET", f"{V1}/statistics?duration=1")
        return int(sum(hour["downlinksSent"] for hour in hours))

    group, before = lights.group(name="Quay"), sent()
    lights.keep_alive()
    lights.server.inbox.answer = Outcome(False, "HTTP status 500")
    lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", {"fPort": 5, "payload": "01"})
    lights.heard(8)
    listed = lights.user.call("GET", f"{V1}/undelivered?includePending=true")
    lights.server.inbox.answer = Outcome(True, "Ok")
    assert ("Quay", group["EUI"]) in {(one["deviceName"], one["deviceEUI"]) for one in listed}
    assert sent() == before + 1


def alarms_of(lights: Lights, **query: Any) -> list[dict[str, Any]]:
    lights.server.run(lights.server.platform.monitoring.check_groups())
    listed = lights.user.call("GET", f"{V1}/alarms", params={"type": 2} | query)
    return [each for each in listed["alarms"] if each["multicastGroupRef"]]


@pytest.mark.parametrize("policy", ["MARK", "DROP"])
def test_downlinks_over_the_rate_of_the_plan_raise_alarm_002(lights: Lights, policy: str) -> None:
    """Of the group alone, until a day has passed without another."""
    rules = {"downlinkRate": 1, "downlinkBucketSize": 1, "downlinkRegulatorPolicy": policy}
    name = f"groups-cs/{policy.lower()}"
    body = {"id": name, "name": name, "communicationType": "MULTICAST", "settings": rules}
    lights.operator.call("POST", f"{V1}/operator/plans", body)
    plans = lights.operator.call("GET", f"{V1}/operator/plans")
    lights.plan = next(plan for plan in plans if plan["id"] == name)
    lights.grant(2)
    group = lights.group(connectivityPlanId=name, baseStationCoverage="ALL")
    path = f"{GROUPS}/{group['ref']}/downlinks"
    lights.keep_alive()
    answers = []
    for _ in range(3):
        answers.append(lights.user.request("POST", path, {"fPort": 1, "payload": "AA"}).status_code)
        lights.heard(30)
    assert answers == [202] * 3 if policy == "MARK" else answers[0] == 202 and min(answers[1:]) >= 400
    (alarm,) = alarms_of(lights)
    assert (alarm["multicastGroupRef"], alarm["deviceRef"]) == (group["ref"], None)
    assert (alarm["deviceEUI"], alarm["occurrence"], alarm["state"]) == (group["EUI"], 2, "MINOR")
    shown = lights.user.call("GET", f"{V1}/alarms/{alarm['ref']}")["alarm"]
    assert shown == alarm and "Send fewer downlinks" in alarm["advice"]
    # ThingPark's interface has those of devices alone.
    assert alarm["ref"] not in lights.user.request("GET", f"{KPN}/deviceAlarms").text
    done = lights.user.call("POST", f"{V1}/alarms/acks", {"refs": [alarm["ref"]]})
    assert done["acknowledged"] == 1 and alarms_of(lights)[0]["acked"]
    # As if a day had passed.
    earlier = update(alarms).values(updated_at=alarms.c.updated_at - 86_400_000)
    lights.server.run(lights.server.platform.store.write(lambda c: c.execute(earlier)))
    (quiet,) = alarms_of(lights)
    assert (quiet["state"], quiet["acked"]) == ("CLEARED", True)
    lights.user.call("DELETE", f"{GROUPS}/{group['ref']}")
    assert not alarms_of(lights)
