"""Keys: what a thief of database, backup, logs or the server's memory finds (I5), over both vaults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contract import softhsm
from tests.e2e import radio
from tests.e2e.key_place import OWN_VAULTS, Receiver, forms, memory_of, tokens, vault_pids, wait_for
from tests.e2e.programs import run
from tests.e2e.running import Client, RunningServer, veldnet
from veldnet.client import (
    AsKey,
    Downlink,
    Signer,
    load_rsa_key,
    open_as_key,
    read_message,
    signed_downlink_query,
)
from veldnet.simulator.customer import Account

# A canary: nothing else looks like it.
APP_KEY = "C0FFEE00DECAFBAD0123456789ABCDEF"
JOIN_EUI = "0059AC0000000001"


class Place:
    """A server with a vault process, an application server that keeps files, and an HSM device."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.directory = directory
        self.environment = environment
        self.data = directory / "data"
        printed = veldnet("sandbox", "--data", str(self.data), "--json", **environment)
        self.account: Account = msgspec.convert(json.loads(printed), Account)
        self.receiver = Receiver(directory)
        self.server = RunningServer(self.data, **environment | OWN_VAULTS)
        self.client = Client(self.server, self.account)
        self.client.activate()
        veldnet("client", "create-rsa-key", str(directory / "private.pem"))
        self.private_key = load_rsa_key((directory / "private.pem").read_bytes())
        public = subprocess.run(
            ["openssl", "pkey", "-in", directory / "private.pem", "-pubout"], capture_output=True, check=True
        ).stdout.decode()
        self.profile: dict[str, Any] = self.client.call(
            "POST",
            "/routingProfiles",
            {
                "name": "AS",
                "hsmGroupId": self.account.hsm_group_id,
                "rsaPublicKey": public,
                "routes": [
                    {
                        "contentType": "JSON",
                        "asId": "keys",
                        "asKey": "46ab678cd45df4a4e4b375Eacd096acc",
                        "addresses": [self.receiver.url],
                    }
                ],
            },
        )
        self.as_key: AsKey = open_as_key(self.private_key, self.profile["rsaEncryptedASKey"])
        self.device: dict[str, Any] = self.client.call(
            "POST",
            "/devices",
            self.client.device_body(1, applicationKey=APP_KEY, routingProfileId=self.profile["id"]),
        )
        # What was given in clear has passed through the server's memory; a fresh process has not seen it.
        assert self.server.stop() == 0
        self.server.start()
        self.client = Client(self.server, self.account)
        self.antenna = radio.Antenna(self.account.base_station_eui)
        self.antenna.connect(self.server.udp)

    def speak(self, count: int) -> bytes:
        """Let the device join and send; returns the last uplink as it was posted."""
        virtual = radio.device(self.device["EUI"], APP_KEY)
        radio.join(self.antenna, virtual)
        for _ in range(count):
            before = len(self.receiver.uplinks())
            self.antenna.hear(virtual.uplink(1, b"Hello"))
            body: bytes = wait_for(lambda b=before: self.receiver.uplinks()[b:])[-1]  # type: ignore[misc]
        return body

    def vault_pid(self) -> int:
        """The process that the server has started for its keys."""
        (pid,) = vault_pids(self.server.process.pid)
        return pid


def _environment(name: str, directory: Path) -> dict[str, str]:
    if name == "software":
        return {}
    environment, pin = tokens(directory, softhsm.LABEL)
    environment |= {
        "VELDNET_KEYS__VAULT": "pkcs11",
        "VELDNET_KEYS__MODULE": str(softhsm.module()),
        "VELDNET_KEYS__PIN_FILE": str(pin),
    }
    veldnet("admin", "vault", "create-master-key", "--no-backup", **environment)
    return environment


@pytest.fixture(scope="module", params=["software", "softhsm"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("keys")
    built = Place(directory, _environment(request.param, directory))
    yield built
    assert built.server.stop() == 0
    built.receiver.process.kill()


def test_the_whole_chain(place: Place) -> None:
    """Join, wrapped AppSKey, decryption with the library and on the command line, encrypted downlink."""
    body = place.speak(2)
    message = read_message(body)
    assert message.payload(place.as_key) == b"Hello"
    assert message.fields["payload_hex"] != "48656c6c6f" and message.fields["PayloadEncryption"] == 1
    as_key_file = place.directory / "as.key"
    profile_file = place.directory / "profile.json"
    profile_file.write_text(json.dumps(place.profile))
    veldnet(
        *("client", "open-as-key", str(place.directory / "private.pem"), str(profile_file)),
        *("--out", str(as_key_file)),
    )
    assert as_key_file.stat().st_mode & 0o077 == 0
    message_file = place.directory / "uplink.json"
    message_file.write_bytes(body)
    opened = veldnet("client", "open-uplink", str(message_file), "--as-key", str(as_key_file))
    assert opened.strip() == "48656c6c6f"

    tunnel = place.directory / "tunnel.key"
    tunnel.write_text("46ab678cd45df4a4e4b375Eacd096acc")
    query = veldnet(
        *("client", "encrypt-downlink", str(message_file), "cafe", "--as-key", str(as_key_file)),
        *("--fport", "9", "--as-id", "keys", "--tunnel-key", str(tunnel)),
    ).strip()
    answer = place.client.http.post(f"/thingpark/lrc/rest/downlink?{query}")
    assert answer.status_code == 200, answer.text


def openssl(*arguments: str, given: bytes) -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


def test_openssl_alone_opens_uplinks_and_the_device_reads_the_downlink(place: Place) -> None:
    antenna = place.antenna
    virtual = radio.device(place.device["EUI"], APP_KEY)
    radio.join(antenna, virtual)
    before = len(place.receiver.uplinks())
    antenna.hear(virtual.uplink(3, b"Hello openssl"))
    body = wait_for(lambda: place.receiver.uplinks()[before:])[-1]
    fields = json.loads(body)["DevEUI_uplink"]

    encrypted = bytes.fromhex(place.profile["rsaEncryptedASKey"])
    as_key = openssl(
        "pkeyutl", "-decrypt", "-inkey", str(place.directory / "private.pem"), given=encrypted
    ).hex()
    wrapped = bytes.fromhex(fields["AppSKey"])
    unwrap = ("enc", "-d", "-aes-128-cbc", "-nopad", "-K", as_key, "-iv", "0" * 32)
    app_s_key = openssl(*unwrap, given=wrapped).hex()

    def crypt(direction: int, fcnt: int, octets: bytes) -> bytes:
        """LoRaWAN's key stream is one call of openssl (TS001-1.0.4 §4.3.3.1)."""
        address = bytes.fromhex(fields["DevAddr"])[::-1]
        head = b"\x01" + bytes(4) + bytes((direction,)) + address + fcnt.to_bytes(4, "little") + b"\0"
        blocks = b"".join(head + bytes((number,)) for number in range(1, len(octets) // 16 + 2))
        stream = openssl("enc", "-aes-128-ecb", "-nopad", "-K", app_s_key, given=blocks)
        return bytes(a ^ b for a, b in zip(octets, stream, strict=False))

    assert crypt(0, int(fields["FCntUp"]), bytes.fromhex(fields["payload_hex"])) == b"Hello openssl"

    # What the network answered the uplink with.
    antenna.downlink(3)
    fcnt = int(fields["FCntDn"])
    payload = crypt(1, fcnt, b"\xca\xfe").hex()
    downlink = Downlink(payload, fcnt)
    query = signed_downlink_query(
        fields["DevEUI"], 9, downlink, Signer("keys", "46ab678cd45df4a4e4b375Eacd096acc")
    )
    answer = place.client.http.post(f"/thingpark/lrc/rest/downlink?{query}")
    assert answer.status_code == 200, answer.text
    antenna.hear(virtual.uplink(3, b"anything for me?"))
    sent = antenna.downlink(5)
    assert sent is not None
    received = virtual.receive(sent)
    assert received is not None and (received.fport, received.payload) == (9, b"\xca\xfe")


def test_no_key_is_left_behind(place: Place) -> None:
    body = place.speak(3)
    app_s_key = bytes(read_message(body).app_s_key(place.as_key))
    canaries = [*forms(bytes.fromhex(APP_KEY)), *forms(app_s_key), *forms(bytes.fromhex(place.as_key.hex))]
    if place.environment:
        canaries.append(f"{softhsm.PIN}\0".encode() * 2)

    backup = place.directory / "backup.db"
    veldnet("admin", "backup", str(backup), "--data", str(place.data), **place.environment)
    device = place.client.call("GET", f"/devices/{place.device['ref']}")
    session = place.client.http.get(f"/api/v1/devices/{place.device['ref']}/session").text
    frames = place.client.http.get(f"/api/v1/devices/{place.device['ref']}/frames").text
    places = {
        "API": (json.dumps(device) + session + frames).encode(),
        "log": place.server.log.read_bytes(),
        "backup": backup.read_bytes(),
        "metrics": place.client.http.get("/metrics").content,
        "memory of the network process": memory_of(place.server.process.pid),
        "command line of the vault": Path(f"/proc/{place.vault_pid()}/cmdline").read_bytes(),
    }
    for path in place.data.iterdir():
        if path.is_file():
            places[path.name] = path.read_bytes()
    assert {"veldnet.db"} <= set(places)
    assert len(places["memory of the network process"]) > 30_000_000
    # The search finds what is there.
    assert place.device["EUI"].encode() in places["memory of the network process"]
    for name, octets in places.items():
        for canary in canaries:
            assert canary not in octets, f"a key is in the {name}"
    # So does the search: a key that is in memory is found there.
    assert any(canary in memory_of(os.getpid()) for canary in forms(bytes.fromhex(APP_KEY)))


def test_a_vault_that_is_killed_under_joins_loses_nothing(place: Place) -> None:
    before = place.vault_pid()
    for _ in range(3):
        virtual = radio.device(place.device["EUI"], APP_KEY)
        place.antenna.keep_alive()
        place.antenna.hear(virtual.join_request())
        os.kill(wait_for(lambda: _vault_pid(place)), signal.SIGKILL)
        told = wait_for(lambda: _not_ready(place))
        assert "the vault process has died" in told and "no device can join" in told
        # The request that was under way is asked of the next process, in time for RX1 or RX2.
        accept = place.antenna.downlink(10)
        assert accept is not None and virtual.receive(accept) is not None and virtual.joined
        wait_for(lambda: not _not_ready(place))
    assert place.speak(1)
    assert wait_for(lambda: _vault_pid(place)) != before
    wait_for(lambda: not _not_ready(place))


def _not_ready(place: Place) -> str:
    """What /readyz complains of, empty where it is content."""
    answer = place.client.http.get("/readyz")
    return "" if answer.status_code == 200 else answer.text


def _vault_pid(place: Place) -> int | None:
    """The vault process, None while there is none."""
    try:
        return place.vault_pid()
    except (ValueError, OSError):
        return None


def test_a_wrong_pin_stops_the_start_with_a_clear_word(place: Place, tmp_path: Path) -> None:
    if not place.environment:
        return
    pin = tmp_path / "pin"
    pin.touch(0o600)
    pin.write_text("0000")
    assert place.server.stop() == 0
    done = run(
        *("serve", "--data", str(place.data), "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"),
        **place.environment | {"VELDNET_KEYS__PIN_FILE": str(pin)},
    )
    place.server.start()
    assert done.returncode != 0 and "PIN" in done.stderr and "Traceback" not in done.stderr
