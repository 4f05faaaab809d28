"""LoRaWAN 1.1, class C and explanations, with the real process over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import run, start
from tests.e2e.running import Client, RunningServer, command, sandbox
from veldnet.simulator.customer import Account

APP_KEY = "00112233445566778899AABBCCDDEEFF"
NWK_KEY = "FFEEDDCCBBAA99887766554433221100"
V11 = "LORA/GenericA.1.1_ETSI_Rx2-SF12"
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, Account, Client]]:
    data = tmp_path_factory.mktemp("versions") / "data"
    account = sandbox(data)
    server = RunningServer(data)
    client = Client(server, account)
    client.activate()
    profile = client.call(
        "POST",
        "/routingProfiles",
        {
            "name": "AS",
            "routes": [
                {
                    "contentType": "JSON",
                    "addresses": ["http://127.0.0.1:9/nobody"],
                }
            ],
        },
    )
    client.routing = profile["id"]  # type: ignore[attr-defined]
    yield server, account, client
    assert server.stop() == 0


def create(client: Client, number: int, **changes: Any) -> dict[str, Any]:
    body = client.device_body(number, routingProfileId=client.routing, **changes)  # type: ignore[attr-defined]
    created: dict[str, Any] = client.call("POST", "/devices", body)
    return created


def speak(server: RunningServer, account: Account, eui: str, *more: str) -> str:
    return command(
        *("simulate", "device", "--dev-eui", eui, "--join-eui", "0059AC0000000001", "--app-key", APP_KEY),
        *("--base-station-eui", account.base_station_eui, "--udp", f"{server.udp[0]}:{server.udp[1]}"),
        *("--timeout", "60", *more),
    )


def v1(client: Client, method: str, path: str, body: Any = None) -> Any:
    return client.http.request(method, f"/api/v1{path}", json=body)


def test_a_device_of_1_1(place: tuple[RunningServer, Account, Client]) -> None:
    server, account, client = place
    device = create(client, 0x11, deviceProfileId=V11)
    path = f"/devices/{device['ref']}"
    missing = v1(client, "GET", f"{path}/session").json()
    assert missing["session"] is None and missing["joinNonce"] == 0
    for bad in ({"networkKey": "xyz"}, {}, {"networkKey": 5}):
        assert v1(client, "PUT", f"{path}/networkKey", bad).status_code == 400
    assert v1(client, "POST", f"{path}/rejoin").status_code == 400
    answer = v1(client, "PUT", f"{path}/networkKey", {"networkKey": NWK_KEY})
    assert answer.status_code == 204 and not answer.content
    printed = speak(
        server, account, device["EUI"], "--nwk-key", NWK_KEY, "--count", "2", "--confirmed", "--period", "0.2"
    )
    assert "joined as" in printed and "RekeyConf" in printed and "acknowledgement" in printed
    session = v1(client, "GET", f"{path}/session").json()["session"]
    assert session["version"] == "1.1" and session["fcntUp"] == 1 and session["nFcntDown"] >= 2
    assert NWK_KEY not in json.dumps(session)
    assert v1(client, "POST", f"{path}/rejoin").status_code == 202
    explained = v1(client, "GET", f"{path}/explanation").json()
    assert any(finding["text"].startswith("Last uplink (FCnt 1)") for finding in explained["findings"])


def test_c13_a_device_of_1_0_4_joins_again_in_the_next_run(
    place: tuple[RunningServer, Account, Client], tmp_path: Path
) -> None:
    server, account, client = place
    device = create(client, 0x14, deviceProfileId="LORA/GenericA.1.0.4_ETSI_Rx2-SF12")
    state = ("--state", str(tmp_path / "device.json"))
    nonces = []
    for _run in range(2):
        printed = speak(server, account, device["EUI"], "--count", "1", "--period", "0", *state)
        nonces += [line.split()[-1] for line in printed.splitlines() if line.startswith("join-request")]
        assert "joined as" in printed
    assert nonces == [str(number) for number in range(1, len(nonces) + 1)] and len(nonces) >= 2
    printed = speak(server, account, device["EUI"], "--count", "0", "--dev-nonce", "300", *state)
    assert "DevNonce 300" in printed and "joined as" in printed


def test_class_c_hears_a_downlink_without_an_uplink(
    place: tuple[RunningServer, Account, Client], tmp_path: Path
) -> None:
    server, account, client = place
    device = create(client, 0x12, deviceProfileId=CLASS_C, hsmGroupId=client.account.hsm_group_id)
    speaking = start(
        *("simulate", "device", "--dev-eui", device["EUI"]),
        *("--join-eui", "0059AC0000000001", "--app-key", APP_KEY, "--device-class", "C"),
        *("--base-station-eui", account.base_station_eui, "--count", "1", "--period", "6"),
        "--confirmed",
        *("--udp", f"{server.udp[0]}:{server.udp[1]}"),
        errors=tmp_path / "errors",
        PYTHONUNBUFFERED="1",
    )
    assert speaking.stdout is not None
    lines: list[str] = []
    for line in speaking.stdout:
        lines.append(line)
        if "acknowledgement" in line:
            # The network has heard the device, so it is of class C now.
            session = v1(client, "GET", f"/devices/{device['ref']}/session").json()["session"]
            query = f"DevEUI={device['EUI']}&FPort=7&Payload=c0ffee&FCntDn={session['nFcntDown']}"
            answer = client.http.post(f"/thingpark/lrc/rest/downlink?{query}")
            assert answer.status_code == 200, answer.text
    assert speaking.wait(timeout=120) == 0
    assert any("on port 7" in line for line in lines), lines
    kinds = [frame["kind"] for frame in v1(client, "GET", f"/devices/{device['ref']}/frames").json()]
    assert kinds.count("downlink") >= 1


def test_foreign_and_unknown_devices_have_no_session(place: tuple[RunningServer, Account, Client]) -> None:
    _server, _account, client = place
    for method, tail in (
        ("GET", "session"),
        ("GET", "explanation"),
        ("POST", "rejoin"),
        ("PUT", "networkKey"),
    ):
        body = {"networkKey": NWK_KEY} if method == "PUT" else None
        for ref in ("999999", "x", "0"):
            assert v1(client, method, f"/devices/{ref}/{tail}", body).status_code == 404


def test_the_operator_asks_why(place: tuple[RunningServer, Account, Client], tmp_path: Path) -> None:
    server, account, client = place
    device = create(client, 0x13)
    data = ("--data", str(server.data))
    quiet = json.loads(command("admin", "device", "explain", device["EUI"], "--json", *data))
    assert quiet["findings"][0]["level"] == "problem"
    wrong = run(
        *("simulate", "device", "--dev-eui", device["EUI"]),
        *("--join-eui", "0059AC0000000001", "--app-key", "00" * 16, "--timeout", "8"),
        *("--base-station-eui", account.base_station_eui, "--udp", f"{server.udp[0]}:{server.udp[1]}"),
    )
    assert wrong.returncode == 1
    printed = command("admin", "device", "explain", device["EUI"], *data)
    assert "The AppKey in the device differs" in printed and "→" in printed
    frames = v1(client, "GET", f"/devices/{device['ref']}/frames").json()
    told = command("admin", "device", "explain", frames[0]["id"], *data)
    assert "was rejected" in told and "Received by 1 base station (" in told
    unknown = command("admin", "device", "explain", "0059AC00000000AA", *data)
    assert "No device has DevEUI" in unknown
    for garbage in ("hello", "12345678901234567", "9" * 30):
        done = run("admin", "device", "explain", garbage, *data)
        assert done.returncode == 1 and "Traceback" not in done.stderr + done.stdout
