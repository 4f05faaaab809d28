"""Flows and connections: devices with an HSM group, test messages, certificates, downlinks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import Client, HostedServer
from tests.certificates import write_pair
from tests.e2e import radio
from tests.person import Person
from veldnet.connections import Condition, Incoming, Outcome, Outgoing, Surroundings
from veldnet.keys import VaultError
from veldnet.store import StoreError

V1 = "/api/v1"
KEY = "00112233445566778899AABBCCDDEEFF"
SOURCE = "function decodeUplink(input) { return {data: {read: input.bytes.length}}; }"


class Kept:
    """A connection that keeps what goes over it."""

    taken: list[dict[str, Any]]

    def __init__(self, _connection: Any, around: Surroundings) -> None:
        self.condition = Condition(around.clock)

    def start(self) -> None:
        self.condition.works()

    async def deliver(self, message: Outgoing) -> Outcome:
        self.taken.append(json.loads(message.body))
        return Outcome(True, "Ok")

    async def close(self) -> None:
        """Nothing is open."""


def of_kind(kind: str, eui: str) -> list[dict[str, Any]]:
    return [each[kind] for each in Kept.taken if kind in each and each[kind]["DevEUI"] == eui]


def test_payloads_of_devices_with_an_hsm_group_stay_encrypted(
    server: HostedServer, client: Client, user: Person, antenna: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    Kept.taken = []
    connecting = server.platform.connecting
    monkeypatch.setitem(connecting.open_connections._make, "HTTP", Kept)
    body = {"name": "Kept", "type": "HTTP", "address": "http://127.0.0.1:9"}
    ref = user.call("POST", f"{V1}/connections", body)["ref"]
    user.call("POST", f"{V1}/flows", {"name": "All", "connectionRefs": [ref]})
    profiles = [client.account.device_profile_id]
    decoder = {"name": "D", "kind": "JAVASCRIPT", "source": SOURCE, "deviceProfileIds": profiles}
    user.call("POST", f"{V1}/decoders", decoder)
    devices = {}
    for number, changes in ((1, {}), (2, {"hsmGroupId": None})):
        wanted = {k: v for k, v in (client.device_body(number) | changes).items() if v is not None}
        client.call("POST", "/devices", wanted, headers={"api-version": "v1.1.1"})
        eui = wanted["EUI"]
        devices[eui] = radio.device(eui, KEY)
        radio.join(antenna, devices[eui])
        antenna.hear(devices[eui].uplink(2, b"first"))
        antenna.downlink(3)
    secret, plain = devices
    server.until(lambda: of_kind("DevEUI_uplink", secret)[1:] and of_kind("DevEUI_uplink", plain)[1:])
    readable = of_kind("DevEUI_uplink", plain)[-1]
    assert (readable["payload"], readable["payload_hex"]) == ({"read": 5}, b"first".hex())
    encrypted = of_kind("DevEUI_uplink", secret)[-1]
    # Without an AS key of a routing profile there is no AppSKey to hand out, either.
    assert encrypted["PayloadEncryption"] == 1 and "AppSKey" not in encrypted
    assert encrypted["payload_hex"] != b"first".hex()
    assert not {"payload", "payloadDecodedError"} & set(encrypted)

    # A downlink must come encrypted, with its counter; what is wrong comes back in words.
    done: list[str] = []

    def send(**members: Any) -> None:
        connection = connecting.table.get(int(ref))
        assert connection is not None
        given = {"DevEUI_downlink": {"DevEUI": secret, "FPort": 3, "payload_hex": "c0ffee"} | members}
        topic = f"mqtt/things/{secret}/downlink"
        message = Incoming(connection, topic, json.dumps(given).encode(), lambda: done.append(topic))
        before = len(done)
        server.run(_told(server, message))
        server.until(lambda: len(done) > before)

    send(CorrelationID="a1")
    (refused,) = server.until(lambda: of_kind("DevEUI_downlink_Rejected", secret))
    assert "must be provided encrypted" in refused["DownlinkRejectionCause"]
    assert refused["CorrelationID"] == "a1"
    send(FCntDn=encrypted["FCntDn"])
    antenna.hear(devices[secret].uplink(2, b"more"))
    sent = antenna.downlink(3)
    assert sent is not None and bytes.fromhex("c0ffee") in sent


def test_a_failed_test_message_shows_at_once(user: Person) -> None:
    # Nothing listens at this port.
    body = {"name": "Gone", "type": "HTTP", "address": "http://127.0.0.1:9/up"}
    path = f"{V1}/connections/{user.call('POST', f'{V1}/connections', body)['ref']}"
    assert user.call("GET", path)["state"]["status"] == "WAITING"
    trial = user.call("POST", f"{path}/trial")
    assert not trial["delivered"]
    state = user.call("GET", path)["state"]
    assert (state["status"], state["reason"]) == ("ERROR", trial["error"])
    assert "refused" in state["reason"] and (state["delivered"], state["failed"]) == (0, 1)


def test_certificates_that_cannot_be_used(user: Person, tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    certificate, key = (file.read_text() for file in pair)
    other = write_pair(tmp_path).key.read_text()
    right = {"clientCertificate": certificate, "clientKey": key}
    body = {"name": "Own key", "type": "MQTT", "address": "mqtts://broker.example"}
    for changes, words in (
        ({"clientKey": other}, "clientKey is not the key of clientCertificate"),
        ({"clientKey": certificate}, "clientKey is no private key"),
        ({"clientKey": ""}, "go together"),
        ({"clientCertificate": key}, "clientCertificate is no certificate"),
        ({"caCertificate": "x"}, "caCertificate is no certificate"),
        ({"address": "mqtt://broker.example"}, "which begin with mqtts://"),
    ):
        answer = user.request("POST", f"{V1}/connections", body | right | changes)
        assert answer.status_code == 400 and words in answer.text
    ref = user.call("POST", f"{V1}/connections", body | right)["ref"]
    # A new certificate comes with its key.
    answer = user.request("PUT", f"{V1}/connections/{ref}", {"clientKey": other})
    assert answer.status_code == 400 and "is not the key" in answer.text


def test_a_downlink_is_acknowledged_once_it_is_durable(
    server: HostedServer, client: Client, user: Person, antenna: Antenna, monkeypatch: pytest.MonkeyPatch
) -> None:
    Kept.taken = []
    monkeypatch.setitem(server.platform.connecting.open_connections._make, "HTTP", Kept)
    body = {"name": "Durable", "type": "HTTP", "address": "http://127.0.0.1:9"}
    ref = user.call("POST", f"{V1}/connections", body)["ref"]
    user.call("POST", f"{V1}/flows", {"name": "Durable", "connectionRefs": [ref]})
    wanted = {name: value for name, value in client.device_body(3).items() if name != "hsmGroupId"}
    device = client.call("POST", "/devices", wanted, headers={"api-version": "v1.1.1"})
    radio.join(antenna, radio.device(wanted["EUI"], KEY))
    path = f"/api/v1/devices/{device['ref']}/downlinks"
    store, works = server.platform.store, type(server.platform.store).commit

    async def commit(*_rows: Any) -> None:
        raise StoreError("disk I/O error")

    monkeypatch.setattr(store, "commit", commit)
    connection = server.platform.connecting.table.get(int(ref))
    assert connection is not None
    given = {"DevEUI_downlink": {"DevEUI": wanted["EUI"], "FPort": 3, "payload_hex": "c0ffee"}}
    done: list[int] = []
    message = Incoming(
        connection,
        f"mqtt/things/{wanted['EUI']}/downlink",
        json.dumps(given).encode(),
        lambda: done.append(1),
    )
    server.run(_told(server, message))
    server.pass_time(10)
    assert not done
    monkeypatch.setattr(store, "commit", works.__get__(store))
    server.until(lambda: done)
    queued = user.call("GET", path)
    assert "c0ffee" in json.dumps(queued).lower(), queued


async def _told(server: HostedServer, message: Incoming) -> None:
    server.platform.connecting.downlinks.received(message)


def test_secrets_are_kept_where_the_vault_is_away(
    server: HostedServer, user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that would write them again is refused then; those that no key opens any more are dropped."""
    body = {
        "name": "Locked",
        "type": "MQTT",
        "address": "mqtt://127.0.0.1:9",
        "username": "u",
        "password": "p",
    }
    at = f"{V1}/connections/{user.call('POST', f'{V1}/connections', body)['ref']}"
    code = "vault_gone"

    async def away(_label: bytes, _sealed: bytes) -> bytes:
        raise VaultError(code, "the vault process is not there")

    monkeypatch.setattr(server.platform.vault, "unseal", away)
    assert user.request("PUT", at, {"active": False}).status_code == 503
    document = {"version": 1, "connections": [{"name": "Locked", "active": False}]}
    assert [step["action"] for step in user.call("POST", f"{V1}/fleet/apply", document)["steps"]] == ["error"]
    assert user.call("GET", at)["password"] == "*****"
    code = "wrong_key"
    assert "password" not in user.call("PUT", at, {"active": False})
