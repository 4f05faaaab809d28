"""HSM groups as an operator runs them: two tokens in a vault, one of which goes away; master keys that follow
each other; devices that move to another group; AppKeys that come encrypted. All against a running server."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contract import softhsm
from tests.e2e import radio
from tests.e2e.key_place import OWN_VAULTS, Receiver, forms, memory_of, tokens, vault_pids, wait_for
from tests.e2e.programs import run
from tests.e2e.running import Client, RunningServer, veldnet
from veldnet.client import AsKey, load_rsa_key, open_as_key, read_message
from veldnet.lorawan import AesKey, DevAddr, frames
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice
from veldnet.simulator.update_client import UpdateClient

JOIN_EUI = "0059AC0000000001"
APP_KEY = "C0FFEE11DECAFBAD0123456789ABCDEF"
GEN_APP_KEY = "51D0C7A2B39E48F6602B1E7D94A85F3C"
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"
TUNNEL_KEY = "46ab678cd45df4a4e4b375Eacd096acc"


class Place:
    """A server whose default vault is software, with a vault of two tokens for an HSM group beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.environment, pin = tokens(directory, "ams-1", "ams-2")
        modules = [
            {"module": str(softhsm.module()), "token": token, "pin_file": str(pin)}
            for token in ("ams-1", "ams-2")
        ]
        self.environment |= {
            "VELDNET_KEYS__VAULTS": json.dumps({"amsterdam": {"modules": modules}}),
            "VELDNET_ALARMS__CHECK_INTERVAL": "1s",
        }
        self.parts = directory / "parts"
        self.backup = directory / "master.json"
        self.run(
            *("admin", "vault", "create-master-key", "--vault", "amsterdam", "--backup", str(self.backup)),
            *("--parts", "3", "--threshold", "2", "--part-files", str(self.parts)),
        )
        printed = self.run("sandbox", "--data", str(self.data), "--json")
        self.account: Account = msgspec.convert(json.loads(printed), Account)
        self.customer_id: str = json.loads(printed)["customer_id"]
        operator = self.account.hsm_group_id.removeprefix("HSM_").partition(".")[0]
        self.operator: str = next(
            o["code"] for o in self.admin_json("operator-list") if o["code"].upper() == operator
        )
        self.group = self.admin(
            "hsm-group", "create", "Amsterdam", "--operator", self.operator, "--vault", "amsterdam"
        ).strip()
        self.admin("plan", "create-multicast", "e2e-cs/lamps", "Lamps", "--operator", self.operator)
        self.admin("plan", "grant", "e2e-cs/lamps", self.customer_id, "1")
        self.receiver = Receiver(directory)
        self.server = RunningServer(self.data, **self.environment | OWN_VAULTS)
        self.client = Client(self.server, self.account)
        self.client.activate()
        self.antenna = radio.Antenna(self.account.base_station_eui)
        self.antenna.connect(self.server.udp)
        self.private_pem = directory / "private.pem"
        self.public = veldnet("client", "create-rsa-key", str(self.private_pem))

    def run(self, *arguments: str) -> str:
        return veldnet(*arguments, **self.environment)

    def admin(self, *arguments: str) -> str:
        return self.run("admin", *arguments, "--data", str(self.data))

    def admin_json(self, *arguments: str) -> Any:
        return json.loads(self.admin(*arguments, "--json"))

    def routing_profile(self, group: str) -> tuple[dict[str, Any], AsKey]:
        """A profile with an AS key of a group."""
        body = {
            "name": f"AS of {group}",
            "hsmGroupId": group,
            "rsaPublicKey": self.public,
            "routes": [
                {
                    "contentType": "JSON",
                    "asId": "keys",
                    "asKey": TUNNEL_KEY,
                    "addresses": [self.receiver.url],
                }
            ],
        }
        profile = self.client.call("POST", "/routingProfiles", body)
        return profile, self.open_as_key(profile)

    def open_as_key(self, profile: dict[str, Any]) -> AsKey:
        return open_as_key(load_rsa_key(self.private_pem.read_bytes()), profile["rsaEncryptedASKey"])

    def device(self, number: int, group: str, profile: dict[str, Any], **changes: Any) -> dict[str, Any]:
        body = self.client.device_body(
            number, applicationKey=APP_KEY, hsmGroupId=group, routingProfileId=profile["id"], **changes
        )
        created: dict[str, Any] = self.client.call("POST", "/devices", body)
        return created

    def say_hello(self, dev_eui: str, *, app_key: str = APP_KEY) -> tuple[bytes, VirtualDevice]:
        """Let a device join and speak; returns what the application server got of it."""
        virtual = radio.device(dev_eui, app_key)
        before = len(self.receiver.uplinks())
        radio.join(self.antenna, virtual)
        self.antenna.hear(virtual.uplink(1, b"Hello"))
        body = wait_for(lambda: self.receiver.uplinks()[before:] and self.receiver.uplinks()[-1])
        return body, virtual

    def heard(self, dev_eui: str, as_key: AsKey, *, app_key: str = APP_KEY) -> bytes:
        """Let a device join and speak; its payload must open. Returns the AppSKey."""
        body, virtual = self.say_hello(dev_eui, app_key=app_key)
        message = read_message(body)
        assert message.dev_eui == dev_eui and message.payload(as_key) == b"Hello"
        assert message.app_s_key(as_key) == virtual.app_s_key
        return bytes(message.app_s_key(as_key))

    def metric(self, name: str) -> dict[str, float]:
        """The samples of a metric by their labels."""
        found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", self.client.http.get("/metrics").text, re.M)
        return {labels: float(value) for labels, value in found}

    def modules_up(self) -> dict[str, bool]:
        return {
            label.split('"')[1]: value == 1.0
            for label, value in self.metric("veldnet_vault_module_up").items()
            if "amsterdam" in label
        }

    def token_directory(self, label: str) -> Path:
        """Where SoftHSM keeps a token."""
        for path in (self.directory / "hsm" / "tokens").iterdir():
            if any(label.encode() in file.read_bytes() for file in path.glob("token.object")):
                return path
        raise AssertionError(f"there is no token {label}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    built = Place(tmp_path_factory.mktemp("hsm-groups"))
    yield built
    assert built.server.stop() == 0
    built.receiver.process.kill()


def test_groups_are_listed_and_a_device_of_each_is_heard(place: Place) -> None:
    listed = [group["id"] for group in place.client.call("GET", "/hsmGroups")]
    assert listed == [place.account.hsm_group_id, place.group]
    for number, group in enumerate(listed, 1):
        profile, as_key = place.routing_profile(group)
        device = place.device(number, group, profile)
        assert place.client.call("GET", f"/devices/{device['ref']}")["hsmGroupId"] == group
        place.heard(device["EUI"], as_key)
    groups = {group["id"]: group for group in place.admin_json("hsm-group", "list")}
    assert groups[place.group]["vault"] == "amsterdam" and groups[place.group]["devices"] == 1


def test_a_multicast_group_has_its_keys_made_in_the_token(place: Place) -> None:
    """The network signs a downlink that the customer has encrypted with the McAppSKey, which came under the
    AS key."""
    profile, as_key = place.routing_profile(place.group)
    http = place.client.http
    path = multicast_group(place, profile, "0059AC00AF00E201")
    dev_addr = DevAddr.parse(http.get(path).json()["networkAddress"])
    found = http.get(f"{path}/applicationSessionKey").raise_for_status().json()
    app_s_key = as_key.unwrap(found["encryptedApplicationSessionKey"])
    payload = crypt_payload(app_s_key, DOWNLINK, dev_addr, 0, b"on")
    downlink = {"fPort": 5, "payload": payload.hex(), "fCntDown": 0}
    place.antenna.keep_alive()
    http.post(f"{path}/downlinks", json=downlink).raise_for_status()
    octets = wait_for(lambda: place.antenna.downlink(1.0))
    frame = frames.parse(octets)
    assert isinstance(frame, frames.DataFrame) and (frame.dev_addr, frame.fport) == (dev_addr, 5)
    assert crypt_payload(app_s_key, DOWNLINK, dev_addr, frame.fcnt, frame.frm_payload or b"") == b"on"
    member = member_set_up(place, path, as_key, profile)
    assert member.groups[0].app_s_key == app_s_key
    assert member.hear(frame, octets, 0.0) == []
    assert member.of_group == 0, "its counter is below the first that the member takes"
    payload = crypt_payload(app_s_key, DOWNLINK, dev_addr, 1, b"off")
    downlink = {"fPort": 5, "payload": payload.hex(), "fCntDown": 1}
    place.antenna.keep_alive()
    http.post(f"{path}/downlinks", json=downlink).raise_for_status()
    octets = wait_for(lambda: place.antenna.downlink(1.0))
    frame = frames.parse(octets)
    assert isinstance(frame, frames.DataFrame)
    member.hear(frame, octets, 0.0)
    assert member.of_group == 1
    http.delete(path).raise_for_status()


def multicast_group(place: Place, profile: dict[str, Any], eui: str) -> str:
    """The path of a new group whose keys the token makes."""
    made = place.client.http.post(
        "/api/v1/multicastGroups",
        json={
            "EUI": eui,
            "name": "Lamps",
            "deviceClass": "C",
            "connectivityPlanId": "e2e-cs/lamps",
            "routingProfileId": profile["id"],
            "hsmGroupId": place.group,
            "baseStationCoverage": "ALL",
        },
    ).raise_for_status()
    return f"/api/v1/multicastGroups/{made.json()['ref']}"


def member_set_up(place: Place, group: str, as_key: AsKey, profile: dict[str, Any]) -> UpdateClient:
    """A device of the token that its owner has sent the key of a group, encrypted with its AppSKey."""
    http, keys = place.client.http, {"genAppKey": GEN_APP_KEY}
    lamp = place.device(15, place.group, profile, deviceProfileId=CLASS_C)
    http.put(f"/api/v1/devices/{lamp['ref']}/rootKeys", json=keys).raise_for_status()
    body, virtual = place.say_hello(lamp["EUI"])
    http.post(f"{group}/members", json={"deviceEUIs": [lamp["EUI"]]}).raise_for_status()
    found = http.get(f"{group}/members/{lamp['ref']}/setUp").raise_for_status().json()
    app_s_key, address = read_message(body).app_s_key(as_key), virtual.dev_addr
    assert address is not None
    payload = crypt_payload(app_s_key, DOWNLINK, address, 1, bytes.fromhex(found["payload"]))
    downlink = {"fPort": found["fPort"], "payload": payload.hex(), "fCntDn": 1}
    http.post(f"/api/v1/devices/{lamp['ref']}/downlinks", json=downlink).raise_for_status()
    place.antenna.hear(virtual.uplink(1, b"x"))
    client = UpdateClient(AesKey.parse(GEN_APP_KEY), random.Random(1))

    def told() -> bool:
        got = virtual.receive(place.antenna.downlink(1.0) or b"")
        return got is not None and bool(client.take(got.fport, got.payload, 0.0))

    wait_for(told)
    return client


def test_an_as_key_of_another_group_is_withheld_and_not_half_used(place: Place) -> None:
    """The vault of the device cannot open an AS key of another vault: the AppSKey stays inside."""
    profile, _as_key = place.routing_profile(place.account.hsm_group_id)
    device = place.device(20, place.group, profile)
    fields = read_message(place.say_hello(device["EUI"])[0]).fields
    assert not fields.get("AppSKey") and fields["payload_hex"] != "48656c6c6f"
    # With a key of its own group it is whole.
    answer = place.client.call(
        "PUT",
        f"/routingProfiles/{profile['ref']}",
        {"hsmGroupId": place.group, "rsaPublicKey": place.public},
    )
    place.heard(device["EUI"], place.open_as_key(answer))


def test_a_lost_as_key_is_generated_again_and_the_device_joins_again(place: Place) -> None:
    profile, old = place.routing_profile(place.group)
    device = place.device(21, place.group, profile)
    first = place.heard(device["EUI"], old)
    path = f"/routingProfiles/{profile['ref']}"
    assert "rsaEncryptedASKey" not in place.client.call("GET", path), "it is shown once"
    changed = place.client.call("PUT", path, {"hsmGroupId": place.group, "rsaPublicKey": place.public})
    new = place.open_as_key(changed)
    assert new.hex != old.hex
    assert place.heard(device["EUI"], new) != first


def test_a_module_that_dies_under_joins_is_stood_in_for(place: Place) -> None:
    profile, as_key = place.routing_profile(place.group)
    devices = [place.device(30 + number, place.group, profile)["EUI"] for number in range(4)]
    for _ in range(3):
        # The software vault is the oldest, then come the two tokens.
        os.kill(vault_pids(place.server.process.pid)[1], signal.SIGKILL)
        for dev_eui in devices:
            place.heard(dev_eui, as_key)
        assert place.client.http.get("/readyz").status_code == 200
        wait_for(lambda: all(place.modules_up().values()))
    text = place.server.log.read_text()
    assert text.count("vault_process_died") >= 3


def test_when_both_modules_die_joins_wait_and_none_is_half_done(place: Place) -> None:
    profile, as_key = place.routing_profile(place.group)
    device = place.device(38, place.group, profile)

    def dead(at_least: int) -> bool:
        return place.server.log.read_text().count("vault_process_died") >= at_least

    before = place.server.log.read_text().count("vault_process_died")
    for killed in (2, 4, 6):
        for pid in vault_pids(place.server.process.pid)[1:]:
            os.kill(pid, signal.SIGKILL)
        place.heard(device["EUI"], as_key)
        # One module suffices for a join: the other may not have come back, or its end not been seen, by then.
        wait_for(partial(dead, before + killed))
        wait_for(lambda: all(place.modules_up().values()))
    frames = place.client.http.get(f"/api/v1/devices/{device['ref']}/frames").json()
    outcomes = [frame["outcome"] for frame in frames if frame["kind"] == "join_request"]
    # A request whose answer was long in coming was sent again; whichever was served is whole.
    assert outcomes.count("accepted") >= 3 and set(outcomes) <= {"accepted", "superseded"}


def test_a_token_that_goes_away_raises_an_alarm_and_comes_back(place: Place) -> None:
    profile, as_key = place.routing_profile(place.group)
    device = place.device(40, place.group, profile)
    away = place.token_directory("ams-1")
    hidden = place.directory / "hidden"
    shutil.move(away, hidden)
    try:
        # It is noticed when it is used.
        for _ in range(3):
            place.heard(device["EUI"], as_key)
            if not place.modules_up()["ams-1"]:
                break
        wait_for(lambda: place.modules_up() == {"ams-1": False, "ams-2": True})
        # It is raised once the token has been away for some seconds; each question is a command.
        (alarm,) = wait_for(lambda: place.admin_json("alarms", "modules"), 40, every=1)
        assert alarm["module"] == "amsterdam/ams-1" and alarm["alarmState"] == "CRITICAL"
        assert "no token 'ams-1'" in alarm["additionalInfos"][0]
        assert place.client.http.get("/readyz").status_code == 200
    finally:
        shutil.move(hidden, away)
    wait_for(lambda: all(place.modules_up().values()), 30)
    wait_for(lambda: place.admin_json("alarms", "modules") == [])
    place.heard(device["EUI"], as_key)


def test_a_new_master_key_takes_over_in_the_background(place: Place) -> None:
    profile, as_key = place.routing_profile(place.group)
    device = place.device(50, place.group, profile)
    place.heard(device["EUI"], as_key)
    before = place.metric("veldnet_keys_rewrapped_total")[""]
    place.admin("vault", "rotate-master-key", "--vault", "amsterdam", "--no-backup")
    wait_for(lambda: place.metric("veldnet_keys_rewrapped_total")[""] > before)

    def status() -> Any:
        return place.admin_json("vault", "status")

    wait_for(lambda: status()["stale"]["amsterdam"] == 0)
    assert {tuple(module["masterKeys"]) for module in status()["modules"]} == {(1,), (1, 2)}
    refused = _fails(place, "vault", "destroy-master-key", "2", "--vault", "amsterdam", "--yes")
    assert "not an old one" in refused
    place.admin("vault", "destroy-master-key", "1", "--vault", "amsterdam", "--yes")
    place.heard(device["EUI"], as_key)
    # Processes that start after it prove themselves with the new key.
    for pid in vault_pids(place.server.process.pid)[1:]:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not all(place.modules_up().values()))
    wait_for(lambda: all(place.modules_up().values()))
    place.heard(device["EUI"], as_key)
    actions = [entry["action"] for entry in place.admin_json("audit")]
    assert {"masterKey.rotated", "masterKey.destroyed"} <= set(actions)


def _fails(place: Place, *arguments: str) -> str:
    done = run("admin", *arguments, "--data", str(place.data), **place.environment)
    assert done.returncode != 0 and "Traceback" not in done.stderr, done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_devices_move_to_another_group_with_their_keys(place: Place) -> None:
    """From the software vault into the module; the customer's AS key stays what it was."""
    source = place.account.hsm_group_id
    profile, as_key = place.routing_profile(source)
    device = place.device(60, source, profile)
    place.heard(device["EUI"], as_key)
    printed = place.admin("hsm-group", "move", source, place.group)
    assert re.search(r"[1-9]\d* devices? and [1-9]\d* AS keys? moved", " ".join(printed.split()))
    shown = wait_for(
        lambda: place.client.call("GET", f"/devices/{device['ref']}")["hsmGroupId"] == place.group
    )
    assert shown
    place.heard(device["EUI"], as_key)
    groups = {group["id"]: group for group in place.admin_json("hsm-group", "list")}
    assert groups[source]["devices"] == 0
    assert "0 devices and 0 AS keys" in " ".join(
        place.admin("hsm-group", "move", source, place.group).split()
    ), "what is done is not done again"
    assert "there is no HSM group" in _fails(place, "hsm-group", "move", source, "HSM_NOBODY.9")


def test_app_keys_come_encrypted_and_are_in_clear_nowhere(place: Place) -> None:
    profile, as_key = place.routing_profile(place.group)
    refused = place.client.http.get(f"/api/v1/hsmGroups/{place.group}/publicExchangeKey")
    assert refused.status_code == 400 and "create-exchange-key" in refused.json()["message"]
    place.admin("hsm-group", "create-exchange-key", place.group)
    found = place.client.http.get(f"/api/v1/hsmGroups/{place.group}/publicExchangeKey").json()
    exchange_key = place.directory / "exchange.pem"
    exchange_key.write_text(found["publicExchangeKey"])
    public = place.directory / "public.pem"
    public.write_text(place.public)
    printed = place.admin(
        *("hsm-group", "create-transport-key", place.group, "--public-key", str(public)),
        *("--customer-id", place.customer_id),
    )
    shared = place.directory / "transport.key"
    encrypted = place.directory / "transport.hex"
    encrypted.write_text(printed.split()[-1])
    veldnet("client", "open-as-key", str(place.private_pem), str(encrypted), "--out", str(shared))

    canary = "5EC2E7AA51DEC0DEFACE0123456789AB"
    key_file = place.directory / "app.key"
    key_file.write_text(canary)
    as_rsa = veldnet("client", "encrypt-app-key", str(key_file), "--exchange-key", str(exchange_key)).strip()
    as_aes = veldnet("client", "encrypt-app-key", str(key_file), "--transport-key", str(shared)).strip()
    model = place.account.device_profile_id
    rows = [
        f"CREATE_OTAA,0059AC00000000A1,,{model},{JOIN_EUI},{as_rsa},,,{profile['id']},,rsa,,,,,,,{place.group},,,,,,1",
        f"CREATE_OTAA,0059AC00000000A2,,{model},{JOIN_EUI},{as_aes},,,{profile['id']},,aes,,,,,,,{place.group},1",
        f"CREATE_OTAA,0059AC00000000A3,,{model},{JOIN_EUI},{as_aes[:-2]}00,,,{profile['id']},,bad,,,,,,,"
        f"{place.group},1",
        f"CREATE_OTAA,0059AC00000000A4,,{model},{JOIN_EUI},{as_rsa},,,{profile['id']},,old,,,,,,,"
        f"{place.group},,,,,,7",
        "# a comment",
        "DELETE,0059AC00000000FF",
    ]
    url = "/api/v1/devices/import"
    body = "\n".join(rows).encode()
    tried = place.client.http.post(f"{url}?dryRun=true", content=body)
    assert tried.status_code == 200 and "[200] would be created" in tried.text
    answer = place.client.http.post(url, content=body)
    results = [line.split(",", 2)[2] for line in answer.text.splitlines()]
    assert [result.strip('"')[:5] for result in results] == ["[200]", "[200]", "[400]", "[400]", "[404]"], (
        answer.text
    )
    for dev_eui in ("0059AC00000000A1", "0059AC00000000A2"):
        place.heard(dev_eui, as_key, app_key=canary)
    memory = memory_of(place.server.process.pid)
    assert b"0059AC00000000A1" in memory
    places = {path.name: path.read_bytes() for path in place.data.iterdir() if path.is_file()}
    places |= {"memory": memory, "log": place.server.log.read_bytes()}
    for name, octets in places.items():
        for form in [*forms(bytes.fromhex(canary)), base64.b64encode(bytes.fromhex(canary))]:
            assert form not in octets, f"the AppKey is in the {name}"


def test_a_backup_fills_a_new_token(place: Place) -> None:
    """A token that has lost its key gets it from the backup and two of the three parts."""
    environment, pin = tokens(place.directory / "fresh", "spare")
    modules = [{"module": str(softhsm.module()), "token": "spare", "pin_file": str(pin)}]
    environment |= {"VELDNET_KEYS__VAULTS": json.dumps({"amsterdam": {"modules": modules}})}
    arguments = ("admin", "vault", "restore-master-key", str(place.backup), "--vault", "amsterdam")
    data = ("--data", str(place.directory / "fresh" / "data"))
    one, two = (str(place.parts / f"part-{number}.txt") for number in (1, 3))
    done = run(*arguments, "--part", one, *data, **environment)
    assert done.returncode != 0 and "make no backup key" in " ".join((done.stdout + done.stderr).split())
    veldnet(*arguments, "--part", one, "--part", two, *data, **environment)
    status = json.loads(veldnet("admin", "vault", "status", "--json", *data, **environment))
    found = {module["module"]: module["masterKeys"] for module in status["modules"]}
    assert found["spare"] == [1]
    kept = json.loads(place.backup.read_text())
    assert place.backup.stat().st_mode & 0o077 == 0 and kept["threshold"] == 2
