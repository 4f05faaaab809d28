"""The commands as people type them."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.programs import run
from tests.e2e.running import RunningServer, command, failing, sandbox, veldnet


def fails(*arguments: str, **environment: str) -> str:
    """Run a command that must fail; returns its error, which is never a traceback."""
    done = run(*arguments, **environment)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done.stderr


def test_the_demo_shows_readings_that_were_signed_opened_and_decrypted(tmp_path: Path) -> None:
    printed = veldnet(
        *("demo", "--json", "--duration", "40", "--period", "3", "--devices", "4"),
        *("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"),
    )
    decoder = json.JSONDecoder()
    readings: list[dict[str, Any]] = []
    rest = printed.strip()
    while rest:
        reading, end = decoder.raw_decode(rest)
        readings.append(reading)
        rest = rest[end:].lstrip()
    assert len({reading["DevEUI"] for reading in readings}) == 4
    assert {"climate", "tracker"} <= {reading["model"] for reading in readings}
    assert any(reading["base_stations"] > 1 for reading in readings)


def test_every_command_has_help() -> None:
    for words in (
        "",
        "serve",
        "demo",
        "sandbox",
        "admin",
        "simulate town",
        "simulate device",
        "bench uplinks",
        "bench downlinks",
        "bench forged",
        "simulate network",
        "simulate adr",
        "admin device explain",
    ):
        assert "Usage" in command(*words.split(), "--help")
    assert veldnet("--version").strip() == "0.1.0"


def test_the_operators_work(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    password = tmp_path / "password"
    password.write_text("correct horse battery")
    command("admin", "operator-create", "my-ope", "Mine", *data)
    command("admin", "subscriber", "create", "123456789", "Customer", "--operator", "my-ope", *data)
    command(
        *("admin", "user", "create", "me@example.org", "--customer-id", "123456789"),
        *("--password-file", str(password), *data),
    )
    project = json.loads(command("admin", "project", "create", "p", "--json", *data))
    command("admin", "plan", "create", "my-cs/plan", "Plan", "--operator", "my-ope", *data)
    command("admin", "plan", "grant", "my-cs/plan", "123456789", "5", *data)
    command("admin", "device-profile", "create", "MINE/A", "A", "--operator", "my-ope", *data)
    group = command("admin", "hsm-group", "create", "G", "--operator", "my-ope", *data)
    assert group.strip() == "HSM_MY-OPE.1"
    create = ("admin", "base-station", "create", "0011223344556677", "B", "--operator", "my-ope", "--json")
    assert json.loads(command(*create, *data))["id"] == "FF000001"
    assert "0011223344556677" in command("admin", "base-station", "list", "--json", *data)
    assert "me@example.org" in command("admin", "user", "list", "--json", *data)
    server = RunningServer(tmp_path / "data")
    try:
        with httpx.Client(base_url=server.http) as http:
            token = http.post(
                "/oauth/client_credential/accesstoken?grant_type=client_credentials",
                data={"client_id": project["clientId"], "client_secret": project["clientSecret"]},
            ).json()["access_token"]
            http.headers["authorization"] = f"Bearer {token}"
            body = {"thingpark_username": "me@example.org", "thingpark_password": "correct horse battery"}
            assert http.post("/data/lora/thingpark/activate", json=body).status_code == 200
            device = {
                "EUI": "0011223344556677",
                "applicationKey": "00112233445566778899AABBCCDDEEFF",
                "deviceProfileId": "MINE/A",
                "hsmGroupId": "HSM_MY-OPE.1",
            }
            assert http.post("/data/lora/thingpark/devices", json=device).status_code == 201
            # What another process changes reaches a running server.
            veldnet(
                *("admin", "plan", "change", "my-cs/plan", "--operator", "my-ope"),
                *("--set", "downlinkTransmission=false", *data),
            )
            backup = tmp_path / "backup.db"
            veldnet("admin", "backup", str(backup), *data)
    finally:
        server.stop()
    veldnet("admin", "restore", str(backup), *data)
    restored = RunningServer(tmp_path / "data")
    assert httpx.get(f"{restored.http}/readyz").status_code == 200
    restored.stop()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("serve", "--http", "nowhere"), "HOST:PORT"),
        (("admin", "subscriber", "create", "12", "x", "--operator", "none"), "no installation"),
        (("admin", "restore", "/nonexistent"), "no data directory"),
        (("simulate", "town", "--account", "/nonexistent"), "nonexistent"),
        (("sandbox", "--base-station-eui", "xyz"), "16 hexadecimal"),
        (("admin", "plan", "create", "a/b", "x", "--operator", "o", "--set", "nonsense=1"), "nonsense"),
    ],
)
def test_errors_are_one_line_of_words(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    error = failing(*arguments, VELDNET_DATA=str(tmp_path / "data"))
    assert words in " ".join(error.split())


def test_a_taken_port_and_a_foreign_master_key(tmp_path: Path) -> None:
    data = tmp_path / "data"
    sandbox(data)
    server = RunningServer(data)
    taken = server.http.removeprefix("http://")
    assert "Address already in use" in fails("serve", "--data", str(tmp_path / "b"), "--http", taken)
    udp = f"{server.udp[0]}:{server.udp[1]}"
    assert "cannot receive from base stations" in fails(
        "serve", "--data", str(tmp_path / "c"), "--http", "127.0.0.1:0", "--udp", udp
    )
    server.stop()
    key = data / "vault" / "master.key"
    key.write_bytes(bytes(32))
    free = ("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0")
    assert "not the master key" in " ".join(fails("serve", "--data", str(data), *free).split())
    key.unlink()
    assert "cannot read the master key" in " ".join(fails("serve", "--data", str(data), *free).split())


def test_unregistered_base_stations_are_listed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    account = sandbox(data)
    server = RunningServer(data)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for eui in ("0101010101010101", account.base_station_eui):
            sock.sendto(b"\x02ab\x02" + bytes.fromhex(eui), server.udp)
    deadline = time.monotonic() + 30
    unknown: list[dict[str, Any]] = []
    listing = ("admin", "base-station", "list", "--json", "--data", str(data))
    while not unknown and time.monotonic() < deadline:
        time.sleep(0.3)
        unknown = json.loads(command(*listing, "--unknown"))
    assert [station["gatewayEUI"] for station in unknown] == ["0101010101010101"]
    (known,) = json.loads(command(*listing))
    assert known["lastSeen"] is not None
    server.stop()


def test_rules_that_a_region_does_not_have_are_refused(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    command("admin", "operator-create", "my-ope", "Mine", *data)
    profile = ("admin", "device-profile", "create")
    for number, (settings, words) in enumerate(
        (
            (("region=MARS",), "region MARS is not one of EU868"),
            (("rx2DataRate=8",), "rx2DataRate 8 is no downlink rate of EU868"),
            (("region=US915", "pingSlotDataRate=3"), "pingSlotDataRate 3 is no downlink rate of US915"),
            (("rx2Frequency=915000000",), "outside EU868"),
            (("region=US915", "rx1DROffset=5"), "rx1DROffset of US915 is at most 3"),
            (("loRaWANMacVersion=2.0",), "loRaWANMacVersion"),
            (("unsupportedMACCommands=[linkADR",), "unsupportedMACCommands"),
        )
    ):
        flags = [word for setting in settings for word in ("--set", setting)]
        error = failing(*profile, f"P/{number}", "P", "--operator", "my-ope", *flags, *data)
        assert words in error.replace("\n", " "), error
    command(
        *(*profile, "P/GOOD", "P", "--operator", "my-ope", "--set", "region=AS923-1"),
        *("--set", "loRaWANMacVersion=1.1", "--set", 'unsupportedMACCommands=["dutyCycle"]', *data),
    )
    for setting in (
        "minRx1Delay=16",
        "spreadingFactorMin=4",
        "forceChannelMask=xyz",
        "nbTransMax=0",
        "targetPacketErrorRate=0",
        "adrVersion=1",
        "uplinkProcessing=-1",
    ):
        error = failing(
            *("admin", "plan", "create", "my-cs/p", "P", "--operator", "my-ope", "--set", setting, *data)
        )
        assert setting.partition("=")[0] in error or "Invalid" in error or "Expected" in error, error
