"""Firmware through CUPS: signed offline, handed out to whom it fits, and how that ends."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.api.hosting import HostedServer
from tests.api.test_cups import Desk
from tests.certificates import write_pair
from tests.cups_station import CupsStation
from tests.firmware import Signer
from tests.installation import sandbox
from veldnet.assembly import firmware_desk
from veldnet.simulator.customer import Account

_API = "/api/v1/operator"
_STATIONS = f"{_API}/baseStations"
_VERSIONS = (f"2.{number}" for number in range(100))
_CONTENT = b"#!/bin/sh\n" + bytes(range(256)) * 1_100
# The largest that the server takes.
_LARGE = bytes(range(256)) * 16_384


@pytest.fixture(scope="module")
def desk(data: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    trust = write_pair(tmp_path_factory.mktemp("trust")).certificate
    hosted = HostedServer(
        data,
        VELDNET_GATEWAYS__BASICS_STATION_CUPS="127.0.0.1:0",
        VELDNET_GATEWAYS__BASICS_STATION_TRUST=str(trust),
        VELDNET_GATEWAYS__MAX_FIRMWARE=str(len(_LARGE)),
    )
    yield Desk(hosted, account)
    hosted.stop()


def _upload(desk: Desk, content: bytes = _CONTENT, model: str = "linux", version: str = "") -> dict[str, Any]:
    answer = desk.operator.request(
        "POST",
        f"{_API}/firmware?model={model}&version={version or next(_VERSIONS)}",
        content=content,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _signed(desk: Desk, signer: Signer, model: str = "linux", content: bytes = _CONTENT) -> dict[str, Any]:
    made = _upload(desk, content, model)
    signed: dict[str, Any] = desk.operator.call(
        "POST", f"{_API}/firmware/{made['ref']}/signatures", signer.body(content)
    )
    return signed


def _update(desk: Desk, station_id: str) -> dict[str, Any]:
    (found,) = (one for one in desk.seen(station_id)["updates"] if one["kind"] == "firmware")
    assert isinstance(found, dict)
    return found


def _settled(desk: Desk, **reported: Any) -> tuple[str, CupsStation]:
    """A base station that has its credentials."""
    identifier, station = desk.station(**reported)
    desk.contact(station)
    return identifier, station


def test_firmware_is_handed_out_and_confirmed_once_its_version_is_reported(desk: Desk) -> None:
    signer = Signer()
    firmware = _signed(desk, signer)
    assert firmware["keys"] == [f"{signer.sum:08X}"] and firmware["size"] == len(_CONTENT)
    identifier, station = _settled(desk, package="1.0", keys=[1, signer.sum])
    desk.order(identifier, firmware=firmware["ref"])
    assert _update(desk, identifier)["state"] == "ordered"
    assert desk.contact(station) >= {"signature", "update"}
    # The sum of the key, the signature, and the file as it was uploaded.
    assert station.update == _CONTENT
    assert int.from_bytes(station.signature[:4], "little") == signer.sum
    signer.key.public_key().verify(station.signature[4:], _CONTENT, ec.ECDSA(hashes.SHA512()))
    desk.server.until(lambda: _update(desk, identifier)["state"] == "fetched")
    # It runs it, and asks meanwhile.
    assert "update" not in desk.contact(station)
    station.reported["package"] = firmware["version"]
    assert "update" not in desk.contact(station)
    found = _update(desk, identifier)
    assert (found["state"], found["attempts"], found["value"]) == ("confirmed", 1, firmware["version"])
    # A newer one that somebody has put there is not removed.
    station.reported["package"] = "9.9"
    assert "update" not in desk.contact(station)
    actions = [entry["action"] for entry in desk.operator.call("GET", f"{_API}/audit")]
    assert {"firmware.created", "firmware.signed", "baseStation.updateOrdered"} <= set(actions)


def test_firmware_that_does_not_come_about_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ten minutes of a whole network take a while.
    monkeypatch.setattr(firmware_desk, "RUNNING", 10_000)
    signer = Signer()
    firmware = _signed(desk, signer)
    identifier, station = _settled(desk, package="1.0", keys=[signer.sum])
    desk.order(identifier, firmware=firmware["ref"])
    # The connection breaks: it gets it again at once.
    station.breaks_off = 500
    desk.ask(station)
    desk.server.pass_time(1)
    found = _update(desk, identifier)
    assert (found["state"], found["attempts"]) == ("ordered", 1)
    station.breaks_off = 0
    for attempt in range(2, 6):
        assert "update" in desk.contact(station)
        desk.server.until(lambda: _update(desk, identifier)["state"] == "fetched")
        assert "update" not in desk.contact(station) and _update(desk, identifier)["attempts"] == attempt
        desk.server.pass_time(11)
    assert "update" not in desk.contact(station)
    assert _update(desk, identifier)["state"] == "failed"
    desk.server.pass_time(11)
    assert "update" not in desk.contact(station)
    # It has it after all.
    station.reported["package"] = firmware["version"]
    desk.contact(station)
    assert _update(desk, identifier)["state"] == "confirmed"


def test_a_large_file_whose_way_breaks_is_sent_again_as_a_whole(desk: Desk) -> None:
    signer = Signer()
    firmware = _signed(desk, signer, content=_LARGE)
    identifier, station = _settled(desk, package="1.0", keys=[signer.sum])
    desk.order(identifier, firmware=firmware["ref"])
    for attempt, octets in enumerate((1 << 20, 3 << 20), 1):
        station.breaks_off = octets
        desk.ask(station)
        desk.server.pass_time(1)
        found = _update(desk, identifier)
        assert (found["state"], found["attempts"]) == ("ordered", attempt)
    station.breaks_off = 0
    assert desk.contact(station) >= {"signature", "update"} and station.update == _LARGE
    desk.server.until(lambda: _update(desk, identifier)["state"] == "fetched")


def test_only_who_has_a_key_and_the_model_is_given_firmware(desk: Desk) -> None:
    signer = Signer()
    firmware = _signed(desk, signer, "kerlink")
    path = f"{_API}/firmware/{firmware['ref']}"
    without, first = _settled(desk, model="kerlink", package="1.0", keys=[])
    other, second = _settled(desk, model="linux", package="1.0", keys=[signer.sum])
    body = {"baseStations": [other], "firmware": firmware["ref"]}
    refused = desk.operator.request("POST", f"{_API}/baseStations/updates", body)
    assert refused.status_code == 400 and "kerlink" in refused.text
    # All of its model.
    made = desk.operator.call("POST", f"{_API}/baseStations/updates", {"firmware": firmware["ref"]})
    assert made == {"baseStations": 1} and desk.states(other) == {}
    assert not desk.contact(first) & {"signature", "update"} and not desk.contact(second)
    assert _update(desk, without)["obstacle"] == "key"
    first.reported["model"] = "linux"
    assert not desk.contact(first) and _update(desk, without)["obstacle"] == "model"
    # It is needed until the order is withdrawn.
    assert desk.operator.request("DELETE", path).status_code == 400
    desk.operator.call("DELETE", f"{_STATIONS}/{without}/updates/{_update(desk, without)['ref']}")
    desk.operator.call("DELETE", path)
    assert firmware["ref"] not in [one["ref"] for one in desk.operator.call("GET", f"{_API}/firmware")]


def test_new_credentials_of_cups_come_before_firmware(desk: Desk) -> None:
    signer = Signer()
    firmware = _signed(desk, signer)
    identifier, station = _settled(desk, package="1.0", keys=[signer.sum])
    desk.order(identifier, credentials="token", firmware=firmware["ref"])
    assert desk.contact(station) == {"cups", "lns"}
    assert desk.contact(station) == {"signature", "update"}


def test_signatures_and_files_that_are_wrong_are_refused(desk: Desk) -> None:
    signer, foreign = Signer(), Signer()
    firmware = _upload(desk)
    path = f"{_API}/firmware/{firmware['ref']}/signatures"
    right = signer.body(_CONTENT)
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key()
    other = p384.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for wrong in (
        signer.body(_CONTENT + b"x"),
        signer.body(_CONTENT, hashes.SHA256()),
        right | {"publicKey": foreign.body(b"")["publicKey"]},
        right | {"publicKey": other},
        right | {"publicKey": "-----BEGIN PUBLIC KEY-----"},
        right | {"publicKey": "AAAA"},
        right | {"signature": "not base64!"},
        right | {"signature": base64.b64encode(bytes(64)).decode()},
        right | {"signature": ""},
    ):
        answer = desk.operator.request("POST", path, wrong)
        assert answer.status_code == 400, wrong
    body = {"baseStations": [_settled(desk)[0]], "firmware": firmware["ref"]}
    unsigned = desk.operator.request("POST", f"{_API}/baseStations/updates", body)
    assert unsigned.status_code == 400 and "signature" in unsigned.text
    for query, content in (
        ("model=linux&version=", b"x"),
        ("model=linux&version=1", b""),
        (f"model=linux&version={firmware['version']}", b"x"),
        (f"model={'x' * 70}&version=1", b"x"),
        ("model=linux&version=1", _LARGE + b"x"),
    ):
        answer = desk.operator.request("POST", f"{_API}/firmware?{query}", content=content)
        assert answer.status_code == 400, query
    # Another operator has nothing of it.
    desk_of_another = Desk(desk.server, sandbox(desk.server.data)).operator
    assert desk_of_another.call("GET", f"{_API}/firmware") == []
    for method, where, sent in (
        ("POST", path, right),
        ("DELETE", f"{_API}/firmware/{firmware['ref']}", None),
        ("POST", f"{_API}/baseStations/updates", {"firmware": firmware["ref"]}),
    ):
        assert desk_of_another.request(method, where, sent).status_code == 404
