"""Members of a multicast group get its key: McGroupSetupReq (TS005) for one device, which its owner sends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from sqlalchemy import Connection, insert, select, update

from tests.api.hosting import HostedServer
from tests.api.test_multicast_groups import GEN_APP_KEY, GROUPS, KEY, MC_KEY, V1, Lights
from tests.customers import KPN
from tests.e2e import radio
from tests.person import Person
from tests.rsa_keys import private_key, public_pem
from veldnet.domain.documents import ProfileSettings
from veldnet.inventory import offers
from veldnet.keys import VaultError
from veldnet.lorawan import AesKey, DevAddr, frames
from veldnet.lorawan.counters import MAX_FCNT
from veldnet.lorawan.crypto import DOWNLINK, aes_decrypt, crypt_payload
from veldnet.network.core.multicast import GroupState, encode_group_state
from veldnet.simulator.customer import Account
from veldnet.simulator.update_client import Answer, UpdateClient
from veldnet.store.schema import audit, device_profiles, devices, multicast_groups, multicast_members

MODERN = "LORA/GenericA.1.1_ETSI_Rx2-SF12"


@pytest.fixture(scope="module")
def lights(server: HostedServer, account: Account, user: Person, operator: Person) -> Lights:
    return Lights(server, account, user, operator)


@pytest.fixture
def damaged(lights: Lights) -> Iterator[dict[str, Any]]:
    """A group whose tags cannot be read."""
    group = lights.group(name="Damaged")
    set_group(lights, group, tags="{")
    yield group
    assert lights.user.request("DELETE", f"{GROUPS}/{group['ref']}").status_code == 204


def set_group(lights: Lights, group: dict[str, Any], **values: Any) -> None:
    change = update(multicast_groups).where(multicast_groups.c.ref == int(group["ref"])).values(**values)
    lights.server.run(lights.server.platform.store.write(lambda c: c.execute(change)))


def join_group(lights: Lights, group: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A member with a root key for groups."""
    lamp = lights.device(**changes)
    keys = {"genAppKey": GEN_APP_KEY}
    assert lights.user.request("PUT", f"{V1}/devices/{lamp['ref']}/rootKeys", keys).status_code == 204
    lights.user.call("POST", f"{GROUPS}/{group['ref']}/members", {"deviceEUIs": [lamp["EUI"]]})
    return lamp


def give_profile(
    lights: Lights, device: dict[str, Any], name: str, settings: ProfileSettings, stored: str | None = None
) -> None:
    """A device profile of its own for a device, for which something else is `stored`."""

    def give(connection: Connection) -> None:
        operator = connection.execute(select(device_profiles.c.operator_ref).limit(1)).scalar_one()
        ref = offers.create_device_profile(connection, operator, name, name, settings)
        mine = update(devices).where(devices.c.ref == int(device["ref"]))
        connection.execute(mine.values(profile_ref=ref))
        if stored is not None:
            damage = update(device_profiles).where(device_profiles.c.ref == ref)
            connection.execute(damage.values(settings=stored))

    lights.server.run(lights.server.platform.store.write(give))


def set_up_path(group: dict[str, Any], device: dict[str, Any]) -> str:
    return f"{GROUPS}/{group['ref']}/members/{device['ref']}/setUp"


def client(root_key: str = GEN_APP_KEY, *, version_11: bool = False) -> UpdateClient:
    return UpdateClient(AesKey.parse(root_key), random.Random(1), version_11=version_11)


def take(device: UpdateClient, found: dict[str, Any]) -> None:
    (answer,) = device.take(found["fPort"], bytes.fromhex(found["payload"]), 0.0)
    # McGroupSetupAns without an error.
    assert answer.payload == bytes((0x02, found["mcGroupId"]))


def hear(device: UpdateClient, octets: bytes) -> list[Answer]:
    frame = frames.parse(octets)
    assert isinstance(frame, frames.DataFrame)
    return device.hear(frame, octets, 0.0)


def frame_of_group(lights: Lights, group: dict[str, Any], body: dict[str, Any]) -> bytes:
    lights.keep_alive()
    lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", body)
    address = DevAddr.parse(group["networkAddress"]).to_wire()
    return next(octets for _at, _station, octets in lights.heard(8) if octets[1:5] == address)


def test_a_member_takes_a_frame_of_the_group_with_the_key_that_it_was_sent(lights: Lights) -> None:
    """As an ordinary downlink of the device, for the network has the keys of both."""
    group = lights.group()
    set_group(lights, group, state=encode_group_state(GroupState(fcnt_down=70_000)))
    lamp = join_group(lights, group)
    found = lights.user.call("GET", set_up_path(group, lamp), params={"mcGroupId": 2})
    assert {name: found[name] for name in found.keys() - {"payload"}} == {
        "fPort": 200,
        "mcGroupId": 2,
        "networkAddress": group["networkAddress"],
        "minMcFCount": 70_000,
        "maxMcFCount": MAX_FCNT,
    }
    assert KEY not in found["payload"]
    antenna, virtual = lights.antennas[lights.distant], radio.device(lamp["EUI"], KEY)
    radio.join(antenna, virtual, timeout=8)
    downlink = {"fPort": found["fPort"], "payload": found["payload"]}
    lights.user.call("POST", f"{V1}/devices/{lamp['ref']}/downlinks", downlink)
    antenna.hear(virtual.uplink(1, b"x"))
    got = virtual.receive(antenna.downlink(8) or b"")
    assert got is not None and (got.fport, got.payload.hex().upper()) == (200, found["payload"])
    device = client()
    take(device, found | {"payload": got.payload.hex()})
    assert device.groups[2].address == DevAddr.parse(group["networkAddress"])
    # A frame that asks for the version of the package, which the device answers.
    octets = frame_of_group(lights, group, {"fPort": 200, "payload": "00"})
    assert [answer.payload for answer in hear(device, octets)] == [bytes.fromhex("000201")]
    assert device.of_group == 1
    assert lights.user.call("GET", set_up_path(group, lamp))["minMcFCount"] == 70_001


def test_a_device_of_lorawan_11_takes_it_by_its_app_key(lights: Lights) -> None:
    group, modern = lights.group(), lights.device(deviceProfileId=MODERN)
    # Whatever the class: it may change it for a session.
    row = {"group_ref": int(group["ref"]), "device_ref": int(modern["ref"])}
    change = insert(multicast_members).values(row)
    lights.server.run(lights.server.platform.store.write(lambda c: c.execute(change)))
    device = client(KEY, version_11=True)
    take(device, lights.user.call("GET", set_up_path(group, modern)))
    octets = frame_of_group(lights, group, {"fPort": 5, "payload": "0B"})
    assert hear(device, octets) == [] and device.of_group == 1


def test_a_member_of_an_hsm_group_gets_the_key_that_its_vault_has_made(lights: Lights) -> None:
    """The owner encrypts payloads with a McAppSKey that the network does not have."""
    hsm = lights.account.hsm_group_id
    keys = {"hsmGroupId": hsm, "rsaPublicKey": public_pem()}
    made = lights.user.call("PUT", f"{KPN}/routingProfiles/{lights.routing_ref}", keys)
    encrypted = bytes.fromhex(made["rsaEncryptedASKey"])
    transport_key = AesKey(private_key().decrypt(encrypted, padding.PKCS1v15()))
    group = lights.group(multicastKey=None, hsmGroupId=hsm)
    lamp = join_group(lights, group, hsmGroupId=hsm)
    device = client()
    take(device, lights.user.call("GET", set_up_path(group, lamp)))
    found = lights.user.call("GET", f"{GROUPS}/{group['ref']}/applicationSessionKey")
    wrapped = bytes.fromhex(found["encryptedApplicationSessionKey"])
    assert device.groups[0].app_s_key == AesKey(aes_decrypt(transport_key, wrapped))
    dev_addr = DevAddr.parse(group["networkAddress"])
    payload = crypt_payload(device.groups[0].app_s_key, DOWNLINK, dev_addr, 0, b"\x00")
    body = {"fPort": 200, "payload": payload.hex(), "fCntDown": 0}
    octets = frame_of_group(lights, group, body)
    assert [answer.payload for answer in hear(device, octets)] == [bytes.fromhex("000201")]


def test_a_key_that_leaves_the_server_is_in_the_audit_log(lights: Lights) -> None:
    group = lights.group()
    lamp = join_group(lights, group)
    lights.user.call("GET", set_up_path(group, lamp))

    def logged(connection: Connection) -> list[Any]:
        mine = audit.c.action == "multicastGroup.memberSetUp"
        return list(connection.execute(select(audit).where(mine).order_by(audit.c.id)))

    entry = lights.server.run(lights.server.platform.store.read(logged))[-1]
    assert entry.object == f"multicastGroup {group['ref']} device {lamp['ref']}"
    assert KEY not in repr(entry)


def test_only_the_owner_gets_it_and_only_for_members(lights: Lights, outsider: Person) -> None:
    group = lights.group()
    lamp, other = join_group(lights, group), lights.device()
    path = set_up_path(group, lamp)
    assert outsider.request("GET", path).status_code == 404
    by_eui = f"{GROUPS}/e{group['EUI']}/members/e{lamp['EUI']}/setUp"
    assert lights.user.call("GET", by_eui) == lights.user.call("GET", path)
    refused = lights.user.request("GET", set_up_path(group, other))
    assert refused.status_code == 400 and "not a member" in refused.text
    dutch = lights.user.request("GET", set_up_path(group, other), headers={"accept-language": "nl"})
    assert "geen lid" in dutch.text
    assert lights.user.request("GET", set_up_path(group, {"ref": "999999"})).status_code == 404
    assert lights.user.request("GET", set_up_path({"ref": "999999"}, lamp)).status_code == 404
    for number in ("4", "-1", "x"):
        assert lights.user.request("GET", f"{path}?mcGroupId={number}").status_code == 400


def test_what_cannot_be_set_up_is_refused_with_the_reason(
    lights: Lights, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = lights.group()
    bare, lamp = lights.device(), join_group(lights, group)
    lights.user.call("POST", f"{GROUPS}/{group['ref']}/members", {"deviceEUIs": [bare["EUI"]]})

    def refused(group: dict[str, Any], device: dict[str, Any], status: int = 400) -> str:
        answer = lights.user.request("GET", set_up_path(group, device))
        assert answer.status_code == status, answer.text
        assert str(MC_KEY) not in answer.text
        return str(answer.json()["message"])

    assert "no GenAppKey" in refused(group, bare)
    keys = {"networkSessionKey": KEY, "applicationSessionKey": GEN_APP_KEY}
    given = lights.group(multicastKey=None, **keys)
    assert "has no McKey" in refused(given, join_group(lights, given))
    set_group(lights, group, state=encode_group_state(GroupState(fcnt_down=MAX_FCNT)))
    assert lights.user.call("GET", set_up_path(group, lamp))["minMcFCount"] == MAX_FCNT
    set_group(lights, group, state=encode_group_state(GroupState(fcnt_down=MAX_FCNT + 1)))
    assert "used up" in refused(group, lamp)
    set_group(lights, group, state=b"\xc1")
    assert "cannot be read" in refused(group, lamp)
    set_group(lights, group, state=None)

    async def away(*_arguments: Any) -> None:
        raise VaultError("vault_gone", "the vault process is not there")

    monkeypatch.setattr(lights.server.platform.vault.of(""), "member_keys", away)
    assert "The vault that keeps the keys does not answer" in refused(group, lamp, 503)


def test_a_device_of_another_region_is_refused(lights: Lights) -> None:
    group, abroad, lamp = lights.group(), lights.device(), lights.device()
    give_profile(lights, abroad, "abroad", ProfileSettings(region="US915"))
    path = f"{GROUPS}/{group['ref']}/members"
    ask = partial(lights.user.request, "POST", path, {"deviceEUIs": [lamp["EUI"], abroad["EUI"]]})
    refused = ask()
    assert refused.status_code == 400
    assert f"device {abroad['EUI']} is for US915, the group is for EU868" in refused.json()["message"]
    dutch = ask(headers={"accept-language": "nl"})
    assert f"apparaat {abroad['EUI']} is voor US915, de groep is voor EU868" in dutch.json()["message"]
    assert lights.user.call("GET", path)["total"] == 0, "all or none"


def test_a_device_whose_profile_cannot_be_read_is_refused(lights: Lights) -> None:
    group, lamp = lights.group(), lights.device()
    give_profile(lights, lamp, "unreadable", ProfileSettings(region="EU868"), stored="{")
    path = f"{GROUPS}/{group['ref']}/members"
    refused = lights.user.request("POST", path, {"deviceEUIs": [lamp["EUI"]]})
    assert refused.status_code == 400, refused.text
    assert f"device profile of device {lamp['EUI']} cannot be read" in refused.json()["message"]


def test_a_group_whose_tags_cannot_be_read_hides_no_other(lights: Lights, damaged: dict[str, Any]) -> None:
    sound = lights.group(name="Sound")
    dx = "/thingpark/dx/core/latest/api/multicastGroups"
    oss = "/thingpark/wireless/rest/subscriptions/mine/multicastGroups"
    listed = {
        GROUPS: [one["ref"] for one in lights.user.call("GET", GROUPS)["groups"]],
        dx: [one["ref"] for one in lights.user.call("GET", dx)],
        oss: [one["uid"] for one in lights.user.call("GET", oss)["briefs"]],
    }
    for path, refs in listed.items():
        assert sound["ref"] in refs and damaged["ref"] in refs, path
    assert "row_unreadable" in lights.server.log
    path = f"{GROUPS}/{damaged['ref']}"
    shown = {one["ref"]: one for one in lights.user.call("GET", GROUPS)["groups"]}
    assert shown[damaged["ref"]]["problem"] and "problem" not in shown[sound["ref"]]
    assert lights.user.call("GET", path)["problem"] == shown[damaged["ref"]]["problem"]
    refused = lights.user.request("PUT", path, {"name": "Again"})
    assert refused.status_code == 400
    assert "baseStationTags is mandatory" in refused.json()["message"]
