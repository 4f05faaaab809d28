"""The console in a real browser against the real server, with devices on the air: each screen's main path,
its accessibility, and what happens when things go wrong."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e import radio
from tests.e2e.desk import PICTURES, Desk
from tests.e2e.key_place import Receiver, wait_for
from tests.e2e.running import KPN, RunningServer, sandbox
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
DECODER = """function decodeUplink(input) {
  return { data: { temperature: (input.bytes[0] << 8 | input.bytes[1]) / 100 } };
}"""
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>alert(1)</script>"


@pytest.fixture(scope="module")
def server(data: Any, account: Account) -> Any:
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def user(server: RunningServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def antenna(server: RunningServer, account: Account) -> radio.Antenna:
    found = radio.Antenna(account.base_station_eui)
    found.connect(server.udp)
    return found


class World:
    """What the tests of this file find: an application server, a device that talks, one with a wrong key."""

    def __init__(self, user: Person, account: Account, antenna: radio.Antenna, directory: Path) -> None:
        self.account = account
        self.receiver = Receiver(directory)
        profile = user.call(
            "POST",
            f"{KPN}/routingProfiles",
            {
                "name": "Receiver",
                "default": True,
                "routes": [{"contentType": "JSON", "addresses": [self.receiver.url]}],
            },
        )
        user.call(
            "POST",
            f"{V1}/decoders",
            {
                "name": "Thermometer",
                "kind": "JAVASCRIPT",
                "source": DECODER,
                "deviceProfileIds": [account.device_profile_id],
            },
        )
        self.ref = self._create(user, "0059AC00DD000001", "Kitchen", profile["id"], plain=True)
        self.hsm = self._create(user, "0059AC00DD000002", "Cellar", profile["id"])
        self.wrong = self._create(user, "0059AC00DD000003", HOSTILE, profile["id"])
        self.device = radio.device("0059AC00DD000001", KEY)
        radio.join(antenna, self.device)
        antenna.hear(self.device.uplink(2, bytes.fromhex("0834")))
        antenna.hear(radio.device("0059AC00DD000003", "00" * 15 + "01").join_request())
        wait_for(lambda: len(user.call("GET", f"{V1}/devices/{self.ref}/readings")) == 1)
        wait_for(lambda: user.call("GET", f"{V1}/alarms?deviceRef={self.wrong}")["total"] == 1)

    def _create(self, user: Person, eui: str, name: str, routing: str, *, plain: bool = False) -> str:
        more = {} if plain else {"hsmGroupId": self.account.hsm_group_id}
        created = user.call(
            "POST",
            f"{KPN}/devices",
            {
                "EUI": eui,
                "name": name,
                "applicationEUI": "0059AC0000000001",
                "applicationKey": KEY,
                "deviceProfileId": self.account.device_profile_id,
                "routingProfileId": routing,
                "geoLatitude": 52.09,
                "geoLongitude": 5.12,
                **more,
            },
            headers={"api-version": "v1.1.1"} if plain else {},
        )
        return str(created["ref"])


@pytest.fixture(scope="module")
def world(
    user: Person, account: Account, antenna: radio.Antenna, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    made = World(user, account, antenna, tmp_path_factory.mktemp("receiver"))
    yield made
    made.receiver.stop()


@pytest.fixture
def desk(browser: Browser, server: RunningServer, account: Account, world: World) -> Iterator[Desk]:
    found = Desk(browser, server)
    found.sign_in(account.thingpark_username, account.thingpark_password)
    yield found
    assert found.errors == [], "no error in the page"
    assert found.elsewhere == [], "no request to another host"
    found.context.close()


@pytest.fixture
def operators(browser: Browser, server: RunningServer, account: Account, world: World) -> Iterator[Desk]:
    found = Desk(browser, server)
    found.sign_in(account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password)
    yield found
    assert found.errors == [] and found.elsewhere == []
    found.context.close()


def test_signing_in_and_out(browser: Browser, server: RunningServer, account: Account, user: Person) -> None:
    desk = Desk(browser, server)
    desk.go("/devices")
    desk.accessible()
    desk.page.get_by_label("User name").fill(account.thingpark_username)
    desk.page.locator("input[name=password]").fill("wrong password")
    desk.button("Sign in")
    desk.told("User name or password is wrong")
    desk.page.locator("input[name=password]").fill(account.thingpark_password)
    desk.page.keyboard.press("Enter")
    desk.heading("Devices")
    desk.page.reload()
    desk.heading("Devices")
    desk.page.get_by_role("button", name="Account").click()
    desk.page.get_by_role("menuitem", name="Nederlands").click()
    expect(desk.page.get_by_role("heading", name="Apparaten", level=1)).to_be_visible()
    desk.page.get_by_role("button", name="Account").click()
    desk.page.get_by_role("menuitem", name="Afmelden").click()
    expect(desk.page.get_by_role("button", name="Aanmelden")).to_be_visible()
    desk.context.close()
    # The server keeps the choice.
    user.call("PUT", "/api/v1/session/language", {"language": "en"})


SUBSCRIBER_PAGES = [
    "/",
    "/devices",
    "/devices?view=map",
    "/devices/new",
    "/devices/import",
    "/logger",
    "/alarms",
    "/routing",
    "/routing/new",
    "/routing/1",
    "/undelivered",
    "/plans",
    "/decoders",
    "/decoders/new",
    "/developers",
    "/account",
    *(
        f"/devices/1?tab={tab}"
        for tab in ("overview", "charts", "readings", "frames", "downlinks", "alarms", "network")
    ),
]
OPERATOR_PAGES = [
    "/operator",
    "/operator/base-stations",
    "/operator/base-stations/FF000001",
    "/operator/subscribers",
    "/operator/users",
    "/operator/plans",
    "/operator/profiles",
    "/operator/hsm-groups",
    "/operator/undelivered",
    "/operator/audit",
    "/operator/settings",
    "/logger",
]


def test_home_leads_to_the_lists_behind_it(desk: Desk) -> None:
    desk.heading("Home")
    desk.page.get_by_role("button", name=re.compile("Active")).click()
    desk.page.wait_for_url(re.compile("healthState=ACTIVE"))
    expect(desk.page.get_by_role("link", name="Kitchen")).to_be_visible()
    desk.page.go_back()
    desk.page.get_by_role("button", name=re.compile("Warning 1")).click()
    desk.heading("Alarms")
    expect(desk.page.get_by_text("Wrong MIC detected in Join request")).to_be_visible()


def test_a_device_is_created_with_checks_as_one_types(desk: Desk, user: Person) -> None:
    desk.go("/devices/new")
    eui = desk.page.get_by_role("textbox", name="DevEUI")
    eui.fill("0059AC")
    expect(desk.page.get_by_text("16 hexadecimal digits", exact=True)).to_be_visible()
    eui.fill("00-59-AC-00-DD-00-00-01")
    expect(desk.page.get_by_text("This device already exists: Kitchen")).to_be_visible()
    eui.fill("0059ac00dd0000a1")
    desk.page.get_by_role("textbox", name="AppKey").fill("00000000000000000000000000000000")
    expect(desk.page.get_by_text("Too easy to guess")).to_be_visible()
    desk.button("Generate random key")
    desk.page.get_by_role("textbox", name="Name").fill(HOSTILE)
    desk.button("Create device")
    key = desk.page.get_by_test_id("once").inner_text()
    assert re.fullmatch("[0-9A-F]{32}", key)
    desk.button("Open the device")
    desk.heading(HOSTILE)
    assert desk.page.title() == f"{HOSTILE} – Veldnet", "text, not markup"
    expect(desk.page.get_by_text("Never seen")).to_be_visible()
    assert key not in desk.page.content()


def test_the_keyboard_alone_finds_and_opens_a_device(desk: Desk) -> None:
    desk.page.keyboard.press("Control+k")
    expect(desk.page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    desk.page.keyboard.type("Kitch")
    expect(desk.page.get_by_role("dialog").get_by_text("Kitchen")).to_be_visible()
    desk.page.keyboard.press("Enter")
    desk.heading("Kitchen")
    desk.page.keyboard.press("Alt+2")
    desk.heading("Devices")
    row = desk.page.locator("tr[data-row]").first
    row.focus()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Space")
    expect(desk.page.get_by_text("1 selected")).to_be_visible()
    desk.page.keyboard.press("Enter")
    expect(desk.page).to_have_url(re.compile("/devices/2"))


def test_lists_are_filtered_saved_as_views_and_edited_together(desk: Desk, user: Person) -> None:
    desk.go("/devices")
    desk.page.get_by_label("Name or DevEUI").fill("cell")
    expect(desk.page.get_by_role("link", name="Kitchen")).to_be_hidden()
    expect(desk.page.get_by_role("link", name="Cellar")).to_be_visible()
    desk.button("Views")
    desk.page.get_by_role("menuitem", name="Save this view").click()
    desk.page.get_by_role("dialog").get_by_label("Name").fill("Cellars")
    desk.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    desk.button("Clear")
    expect(desk.page.get_by_role("link", name="Kitchen")).to_be_visible()
    desk.button("Views")
    desk.page.get_by_role("menuitem", name="Cellars", exact=True).click()
    expect(desk.page.get_by_role("link", name="Kitchen")).to_be_hidden()
    desk.page.locator("tr[data-row]").get_by_role("checkbox").check()
    desk.button("Edit")
    dialog = desk.page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Device profile").click()
    desk.page.get_by_role("option", name="LoRaWAN 1.0 class A, RX2 at SF9").click()
    dialog.get_by_role("button", name="Save").click()
    expect(desk.page.get_by_role("dialog", name="1 device updated")).to_be_visible()
    changed = user.call("GET", f"{V1}/devices?search=Cellar")["devices"][0]
    assert changed["deviceProfileId"].endswith("Rx2-SF9")
    with desk.page.expect_download() as download:
        desk.page.keyboard.press("Escape")
        desk.button("Export as CSV")
    assert "Cellar" in Path(download.value.path()).read_text()


def test_a_file_is_tried_imported_and_undone(desk: Desk, user: Person, world: World, tmp_path: Path) -> None:
    desk.go("/devices/import")
    choose = desk.page.locator("input[type=file]")
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\x00\xff\xfe" * 100)
    choose.set_input_files(picture)
    desk.told("is not text in UTF-8")
    rest = f"0059AC0000000001,{KEY},{world.account.device_profile_id},{world.account.hsm_group_id}"
    rows = [f"Bulk {n},0059AC00DE{n:06X},{rest}" for n in range(1, 121)] + [f"Bad,nonsense,{rest}"]
    table = tmp_path / "fleet.csv"
    table.write_text("\n".join(["name,EUI,applicationEUI,applicationKey,deviceProfileId,hsmGroupId", *rows]))
    choose.set_input_files(table)
    desk.button("Check file")
    expect(desk.page.get_by_text("120 OK")).to_be_visible()
    expect(desk.page.get_by_text("1 failed")).to_be_visible()
    assert user.call("GET", f"{V1}/devices?search=Bulk")["total"] == 0
    desk.button("Import 121 rows")
    desk.told("120 rows imported, 1 failed")
    assert user.call("GET", f"{V1}/devices?search=Bulk")["total"] == 120
    with desk.page.expect_download() as download:
        desk.button("Save refused rows")
    header, row = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert header.endswith(",hsmGroupId,reason") and row.startswith("Bad,nonsense,") and "[400]" in row
    # All of them, beyond the page that is shown.
    desk.go("/devices?search=Bulk")
    desk.page.get_by_role("checkbox", name="Select all").check()
    desk.button("Select all 120 devices that match")
    desk.button("Edit")
    dialog = desk.page.get_by_role("dialog", name="Edit 120 devices")
    dialog.get_by_role("combobox", name="Add tags").fill("fleet")
    desk.page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Save").click()
    expect(desk.page.get_by_role("dialog", name="120 devices updated")).to_be_visible()
    desk.page.keyboard.press("Escape")
    desk.page.get_by_role("combobox", name="Tag").click()
    desk.page.get_by_role("option", name="fleet").click()
    desk.page.wait_for_url(re.compile("tag=fleet"))
    expect(desk.page.get_by_text("120 devices", exact=True)).to_be_visible()
    if PICTURES:
        desk.page.screenshot(path=f"{PICTURES}/devices-tagged-1440-light.png")
    desk.go("/devices/import")
    desk.button("Undo")
    desk.page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    desk.told("Undone")
    assert user.call("GET", f"{V1}/devices?search=Bulk")["total"] == 0


def test_the_logger_shows_frames_as_they_come_and_all_of_one(
    desk: Desk, world: World, antenna: radio.Antenna
) -> None:
    desk.go("/logger")
    expect(desk.page.get_by_test_id("live-state")).to_have_text("Live")
    rows = desk.page.locator(".logger-row[data-type=UPLINK_DATA]")
    expect(desk.page.locator(".logger-row[data-type=UPLINK_JOIN]").first).to_be_visible()
    before = rows.count()
    antenna.keep_alive()
    antenna.hear(world.device.uplink(2, bytes.fromhex("09C4")))
    expect(rows.filter(has_text="temperature 25")).to_be_visible()
    assert rows.count() == before + 1
    expect(rows.first.get_by_role("img", name="Uplink, delivered to all application servers")).to_be_visible()
    rows.first.get_by_role("button", name=re.compile("Details of Uplink: data, Kitchen")).focus()
    desk.page.keyboard.press("Enter")
    details = desk.page.get_by_test_id("frame-details")
    for text in ("UnconfirmedDataUp", "MHz · SF7BW125", "FF000001", "Ok", "09 C4", '"temperature": 25'):
        expect(details).to_contain_text(text)
    desk.accessible()
    desk.page.get_by_role("button", name="Show only Kitchen").first.click()
    expect(desk.page).to_have_url(re.compile("deviceEUI=0059AC00DD000001"))
    expect(desk.page.locator(".logger-row[data-type=UPLINK_JOIN]").filter(has_text="img")).to_have_count(0)
    desk.page.get_by_role("combobox", name="Packet types").click()
    desk.page.get_by_role("option", name="Uplink: join-request").click()
    expect(desk.page.locator(".logger-row[data-type]")).to_have_count(1)
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Export as CSV").click()
    assert Path(download.value.path()).read_text().startswith("Direction,Timestamp,")
    desk.button("Pause")
    expect(desk.page.get_by_test_id("live-state")).to_have_text("History")


def test_a_device_shows_what_it_says_and_is_told_things(desk: Desk, user: Person, world: World) -> None:
    desk.go(f"/devices/{world.ref}?tab=readings")
    readings = desk.page.get_by_role("table", name="Readings")
    expect(readings.get_by_role("columnheader", name="temperature (°C)")).to_be_visible()
    expect(readings.get_by_role("cell", name="21", exact=True)).to_be_visible()
    desk.page.get_by_role("tab", name="Charts").click()
    expect(desk.page.get_by_role("img", name="SNR (dB)")).to_be_visible()
    desk.page.get_by_text("Frames", exact=True).nth(1).click()
    expect(desk.page.get_by_text(re.compile(r"frames? \(500 at most\)"))).to_be_visible()
    desk.page.get_by_role("tab", name="Downlinks").click()
    desk.page.get_by_label("Payload (hexadecimal)").fill("xyz")
    expect(desk.page.get_by_text("Hexadecimal digits, two per byte")).to_be_visible()
    desk.page.get_by_label("Payload (hexadecimal)").fill("AB CD")
    desk.button("Queue downlink")
    desk.told("Downlink queued")
    expect(desk.page.get_by_role("row", name=re.compile("Queued.*AB CD"))).to_be_visible()
    desk.page.get_by_role("tab", name="Network").click()
    expect(desk.page.get_by_text("nbTrans")).to_be_visible()
    desk.button("Actions")
    desk.page.get_by_role("menuitem", name="Reset security context").click()
    expect(desk.page.get_by_role("dialog")).to_contain_text("must join again")
    desk.page.keyboard.press("Escape")
    desk.go(f"/devices/{world.hsm}?tab=readings")
    expect(desk.page.get_by_text("Encrypted end to end")).to_be_visible()
    desk.go(f"/devices/{world.wrong}")
    expect(desk.page.get_by_text(re.compile("Compare the AppKey"))).to_be_visible()
    desk.page.get_by_role("tab", name="Alarms").click()
    desk.button("Acknowledge")
    expect(desk.page.get_by_text("Sandbox User", exact=False).nth(1)).to_be_visible()


def test_who_saves_what_somebody_else_has_changed_is_told(desk: Desk, user: Person, world: World) -> None:
    desk.go(f"/devices/{world.hsm}?tab=network")
    name = desk.page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("Cellar")
    user.call("PUT", f"{KPN}/devices/{world.hsm}", {"name": "Cellar of somebody else"})
    name.fill("My cellar")
    desk.button("Save")
    expect(desk.page.get_by_text("Changed by someone else")).to_be_visible()
    assert user.call("GET", f"{KPN}/devices/{world.hsm}")["name"] == "Cellar of somebody else"
    desk.button("Load current version")
    expect(name).to_have_value("Cellar of somebody else")
    name.fill("Cellar")
    desk.button("Save")
    desk.told("Device saved")
    assert user.call("GET", f"{KPN}/devices/{world.hsm}")["name"] == "Cellar"


def test_a_routing_profile_is_made_tried_and_gets_its_as_key(desk: Desk, user: Person, world: World) -> None:
    desk.go("/routing/new")
    desk.page.get_by_role("textbox", name="Name").fill("From the console")
    desk.page.get_by_role("combobox", name="Addresses").fill(world.receiver.url)
    desk.page.keyboard.press("Enter")
    desk.button("Save")
    desk.heading("From the console")
    desk.button("Send test")
    expect(desk.page.get_by_test_id("trial")).to_contain_text("HTTP 204")
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = desk.page.get_by_label("Your RSA public key (PEM)")
    pem.fill("ssh-rsa AAAA")
    expect(desk.page.get_by_text("Not a PEM public key")).to_be_visible()
    pem.fill(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    desk.button("Generate")
    assert len(desk.page.get_by_test_id("once").inner_text()) > 300
    desk.accessible()


def test_a_decoder_is_written_tried_and_saved(desk: Desk, world: World) -> None:
    desk.go("/decoders/new")
    desk.page.get_by_role("textbox", name="Name").fill("Tried out")
    results = desk.page.get_by_test_id("lab-results")
    desk.page.get_by_role("button", name="Run").first.click()
    expect(results).to_contain_text('"temperature": 24.07')
    desk.page.get_by_label("Source").fill("function decodeUplink() { while (true) {} }")
    desk.page.get_by_role("button", name="Run").first.click()
    expect(results).to_contain_text("longer than it may")
    desk.page.get_by_label("Source").fill(DECODER)
    desk.page.get_by_role("tab", name="Stored frames").click()
    desk.page.get_by_role("combobox", name="Device", exact=True).fill("Kitchen")
    desk.page.get_by_role("option", name=re.compile("Kitchen")).click()
    desk.page.get_by_role("button", name="Run").click()
    expect(results).to_contain_text('"temperature": 21')
    desk.button("Save")
    desk.told("Decoder saved")
    desk.heading("Tried out")


def test_a_project_shows_its_secret_once(desk: Desk) -> None:
    desk.go("/developers")
    desk.button("New project")
    desk.page.get_by_role("dialog").get_by_label("Name").fill("Integration")
    desk.page.get_by_role("dialog").get_by_role("button", name="Create").click()
    secret = desk.page.get_by_test_id("once").inner_text()
    assert len(secret) == 32
    desk.page.reload()
    expect(desk.page.get_by_text("not activated")).to_be_visible()
    assert secret not in desk.page.content()


def test_the_operator_works_for_a_customer(operators: Desk) -> None:
    operators.heading("Network")
    operators.go("/operator/plans")
    operators.button("New plan")
    dialog = operators.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="ID", exact=True).fill("console-cs/gold")
    dialog.get_by_role("textbox", name="Name", exact=True).fill("Gold")
    dialog.get_by_label("Search settings").fill("allowClassB")
    dialog.get_by_role("combobox", name="Class B permitted").click()
    operators.page.get_by_role("option", name="yes").click()
    dialog.get_by_role("button", name="Save").click()
    expect(operators.page.get_by_text("Class B permitted: yes", exact=True)).to_be_visible()
    operators.go("/operator/subscribers")
    operators.button("Open")
    operators.heading("Home")
    operators.page.get_by_role("navigation").get_by_role("link", name="Devices").click()
    expect(operators.page.get_by_role("link", name="Kitchen")).to_be_visible()
    operators.go("/operator")
    operators.heading("Network")


def test_who_may_only_look_is_shown_no_buttons(
    browser: Browser, server: RunningServer, account: Account, world: World
) -> None:
    operator = Person(
        server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
    )
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    new = {
        "username": "looker@example.com",
        "displayName": "Looker",
        "password": "only looking",
        "role": "ro",
    }
    operator.call("POST", f"{V1}/operator/users", new | {"customerId": customer})
    desk = Desk(browser, server)
    desk.sign_in(new["username"], new["password"])
    desk.go(f"/devices/{world.ref}?tab=network")
    desk.heading("Kitchen")
    for name in ("Save", "Actions", "New device"):
        expect(desk.page.get_by_role("button", name=name)).to_have_count(0)
    expect(desk.page.get_by_text("You have read-only access").first).to_be_visible()
    desk.context.close()


def test_an_outsider_finds_nothing_by_guessing_addresses(
    browser: Browser, server: RunningServer, world: World
) -> None:
    """The pages of another customer's things, opened by their address."""
    account = sandbox(server.data)
    desk = Desk(browser, server)
    desk.sign_in(account.thingpark_username, account.thingpark_password)
    for path in (
        *(
            f"/devices/{world.ref}?tab={tab}"
            for tab in ("overview", "charts", "frames", "downlinks", "network")
        ),
        "/routing/1",
        "/decoders/1",
        "/devices",
        "/logger?deviceEUI=0059AC00DD000001",
        "/alarms?acked=all",
        "/operator/subscribers",
    ):
        desk.go(path)
        desk.page.wait_for_load_state("networkidle") if "logger" not in path else desk.page.wait_for_timeout(
            1500
        )
        shown = desk.page.inner_text("body")
        for secret in ("Kitchen", "Cellar", "0059AC00DD000002", "Receiver", "Thermometer"):
            assert secret not in shown, f"{path} shows {secret}"
    assert desk.errors == []
    desk.context.close()


def test_e4_signing_in_again_keeps_what_was_filled_in(desk: Desk, account: Account, user: Person) -> None:
    """The session ends while a form is filled in: signing in happens over it, and what was asked is done."""
    desk.go("/developers")
    desk.button("New project")
    desk.page.get_by_role("dialog").get_by_label("Name").fill("Half written")
    desk.context.clear_cookies()
    desk.page.get_by_role("dialog").get_by_role("button", name="Create").click()
    again = desk.page.get_by_role("dialog", name="Session expired")
    expect(again).to_be_visible()
    expect(again).to_contain_text("Your input on this page is kept.")
    desk.page.keyboard.press("Escape")
    expect(again.get_by_label("User name")).to_have_value(account.thingpark_username)
    again.locator("input[name=password]").fill("wrong password")
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again.get_by_role("alert")).to_contain_text("User name or password is wrong")
    desk.accessible()
    again.locator("input[name=password]").fill(account.thingpark_password)
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again).to_be_hidden()
    expect(desk.page.get_by_test_id("once")).to_be_visible()
    names = [project["name"] for project in user.call("GET", f"{V1}/projects")]
    assert names.count("Half written") == 1, "what was pressed before is done once"


def test_e4_a_form_of_many_fields_survives_the_end_of_a_session(desk: Desk, account: Account) -> None:
    desk.go("/devices/new")
    desk.page.get_by_role("textbox", name="DevEUI").fill("0059AC00DD0000B7")
    desk.page.get_by_role("textbox", name="AppKey").fill(KEY)
    desk.page.get_by_role("textbox", name="Name").fill("Kept")
    desk.context.clear_cookies()
    desk.button("Create device")
    again = desk.page.get_by_role("dialog", name="Session expired")
    again.locator("input[name=password]").fill(account.thingpark_password)
    expect(desk.page.locator("input[name=EUI]")).to_have_value("0059AC00DD0000B7")
    again.get_by_role("button", name="Sign in", exact=True).click()
    desk.heading("Kept")


def test_e4_somebody_else_finds_nothing_of_who_was_there(desk: Desk, account: Account) -> None:
    desk.go("/devices")
    desk.heading("Devices")
    desk.page.get_by_label("Name or DevEUI").fill("kitchen")
    desk.context.clear_cookies()
    desk.page.get_by_label("Name or DevEUI").fill("kitche")
    desk.button("Sign in as another user")
    expect(desk.page.get_by_label("User name")).to_have_value("")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)
    assert "Kitchen" not in desk.page.inner_text("body")


def test_a_lost_server_is_shown_and_recovered_from(
    browser: Browser,
    data: Path,
    account: Account,
    world: World,
    server: RunningServer,
    antenna: radio.Antenna,
) -> None:
    """`kill -9` under a live logger: the page says so, and goes on by itself with all that came."""
    port = server.http.rpartition(":")[2]
    desk = Desk(browser, server)
    desk.sign_in(account.thingpark_username, account.thingpark_password)
    desk.go("/logger")
    expect(desk.page.get_by_test_id("live-state")).to_have_text("Live")
    server.kill()
    expect(desk.page.get_by_text("Server unreachable").first).to_be_visible()
    server.start(http=f"127.0.0.1:{port}")
    antenna.connect(server.udp)
    virtual = world.device
    antenna.hear(virtual.uplink(2, bytes.fromhex("0BB8")))
    expect(desk.page.get_by_test_id("live-state")).to_have_text("Live", timeout=40_000)
    expect(desk.page.locator(".logger-row").filter(has_text="temperature 30").first).to_be_visible()
    expect(desk.page.get_by_text("Server unreachable")).to_have_count(0)
    desk.context.close()


def test_no_screen_shows_a_gap_of_the_program(desk: Desk) -> None:
    for path in SUBSCRIBER_PAGES:
        desk.go(path)
        expect(desk.page.get_by_role("heading", level=1)).to_have_count(1)
        expect(desk.page.locator("[aria-busy=true]")).to_have_count(0)
        shown = desk.page.inner_text("body")
        for gap in ("undefined", "[object", "NaN", "null"):
            assert gap not in shown, f"{path} shows {gap}"


def test_a4_a_new_user_gets_no_right_that_nobody_chose(operators: Desk, world: World) -> None:
    operators.go("/operator/users")
    operators.button("New user")
    dialog = operators.page.get_by_role("dialog", name="New user")
    for kind in ("Subscriber user", "Operator staff"):
        expect(dialog.get_by_role("radio", name=kind)).not_to_be_checked()
    expect(dialog.get_by_role("combobox", name="Role")).to_have_value("read-only")
    dialog.get_by_label("User name").fill("chosen@example.com")
    dialog.get_by_role("textbox", name="Password").fill("chosen password")
    create = dialog.get_by_role("button", name="Create")
    expect(create).to_be_disabled()
    dialog.get_by_role("radio", name="Subscriber user").check()
    expect(create).to_be_disabled()
    operators.accessible()
    dialog.get_by_role("radio", name="Operator staff").check()
    create.click()
    sure = operators.page.get_by_role("dialog", name="Give chosen@example.com operator rights?")
    expect(sure).to_contain_text("of every subscriber")
    sure.get_by_role("button", name="Cancel").click()
    rows = operators.page.locator("tr", has_text="chosen@example.com")
    expect(rows).to_have_count(0)
    dialog.get_by_role("radio", name="Subscriber user").check()
    dialog.get_by_role("combobox", name="Subscriber").click()
    operators.page.get_by_role("option", name=re.compile("Sandbox customer 1")).click()
    create.click()
    expect(operators.page.get_by_role("table", name="Subscriber users").locator(rows)).to_contain_text(
        "read-only"
    )


def test_a4_operator_rights_are_given_after_a_question(operators: Desk, world: World) -> None:
    operators.go("/operator/users")
    operators.button("New user")
    dialog = operators.page.get_by_role("dialog", name="New user")
    dialog.get_by_role("radio", name="Operator staff").check()
    dialog.get_by_label("User name").fill("staff@example.com")
    dialog.get_by_role("textbox", name="Password").fill("chosen password")
    dialog.get_by_role("button", name="Create").click()
    operators.button("Give operator rights")
    row = operators.page.get_by_role("table", name="Operator staff").locator("tr", has_text="staff@")
    expect(row).to_contain_text("read-only")
    row.get_by_role("button", name="Make read-write").click()
    sure = operators.page.get_by_role("dialog", name="Make staff@example.com read-write?")
    expect(sure).to_contain_text("change everything")
    sure.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("read-only")


def test_e2_one_list_follows_a_downlink_to_its_end(
    desk: Desk, user: Person, world: World, antenna: radio.Antenna
) -> None:
    user.call("DELETE", f"{V1}/devices/{world.ref}/downlinks")
    user.call(
        "POST", f"{V1}/devices/{world.ref}/downlinks", {"fPort": 9, "payload": "0102", "confirmed": True}
    )
    desk.go(f"/devices/{world.ref}?tab=downlinks")
    row = desk.page.get_by_role("row", name=re.compile("01 02"))
    expect(row).to_contain_text("Queued")
    while antenna.downlink(0.5) is not None:
        pass
    antenna.keep_alive()
    antenna.hear(world.device.uplink(2, bytes.fromhex("0834")))
    sent = antenna.downlink(3.0)
    assert sent is not None
    expect(row).to_contain_text("Sent")
    expect(row).to_contain_text("waiting for acknowledgement")
    for cell in ("FF000001", "RX1", "01 02"):
        expect(row.get_by_text(cell)).to_be_in_viewport()
    assert world.device.receive(sent) is not None
    antenna.hear(world.device.uplink(2, bytes.fromhex("0834")))
    expect(row).to_contain_text("Acknowledged")
    desk.accessible()
    user.call("POST", f"{V1}/devices/{world.ref}/downlinks", {"fPort": 9, "payload": "0304"})
    lost = desk.page.get_by_role("row", name=re.compile("03 04"))
    expect(lost).to_contain_text("Queued")
    while antenna.downlink(0.5) is not None:
        pass
    antenna.hear(world.device.uplink(2, bytes.fromhex("0834")))
    while antenna.downlink(2.0, error="COLLISION_PACKET") is not None:
        pass
    expect(lost).to_contain_text("Failed")
    expect(lost).to_contain_text("radio busy")
    expect(row).to_have_count(1)
    expect(lost).to_have_count(1)


def test_e2_nothing_lies_over_the_columns_of_frames(desk: Desk, world: World) -> None:
    desk.go(f"/devices/{world.ref}?tab=frames")
    refresh = desk.page.get_by_role("button", name="Refresh")
    heads = desk.page.locator(".logger-head > span")
    expect(heads.filter(has_text="RSSI dBm")).to_be_visible()
    over = desk.page.evaluate(
        """() => {
          const icon = document.querySelector('button[aria-label="Refresh"]').getBoundingClientRect();
          return [...document.querySelectorAll('.logger-head > span')].filter((head) => {
            const box = head.getBoundingClientRect();
            return head.innerText && box.left < icon.right && icon.left < box.right && box.top < icon.bottom;
          }).map((head) => head.innerText);
        }"""
    )
    assert over == []
    refresh.click()


def test_e5_a_screen_that_cannot_be_loaded_says_so_in_the_page(desk: Desk) -> None:
    desk.page.route(re.compile("/assets/Plans-"), lambda route: route.abort())
    desk.page.reload()
    desk.page.get_by_role("link", name="Connectivity plans").click()
    problem = desk.page.get_by_role("alert").filter(has_text="The server did not answer")
    expect(problem).to_be_visible()
    expect(desk.page.get_by_role("navigation", name="Menu")).to_be_visible()
    desk.accessible()
    desk.page.unroute(re.compile("/assets/Plans-"))
    problem.get_by_role("button", name="Try again").click()
    desk.heading("Connectivity plans")


def test_e5_a_page_that_the_server_has_a_newer_build_of_offers_to_reload(desk: Desk) -> None:
    """The answers name another build, and a screen's file is gone, as after an upgrade."""
    page = desk.page

    def newer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers=answer.headers | {"console-build": "another"})

    page.route(re.compile("/assets/Plans-"), lambda route: route.fulfill(status=404, body="no such file"))
    desk.go("/devices/new")
    name = page.get_by_role("textbox", name="Name")
    name.fill("Half written")
    updated = page.get_by_role("status").filter(has_text="Veldnet has been updated.")
    expect(updated).to_be_hidden()
    page.route("**/healthz", newer)
    page.route("**/api/v1/**", newer)
    # It is told by whatever is asked next.
    page.get_by_role("textbox", name="DevEUI").fill("0059AC00DD0000B9")
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("combobox").fill("kitchen")
    expect(updated).to_be_visible()
    page.keyboard.press("Escape")
    desk.accessible_everywhere("updated")
    updated.get_by_role("button", name="Reload").click()
    question = page.get_by_role("dialog", name="Leave without saving?")
    question.get_by_role("button", name="Stay").click()
    expect(name).to_have_value("Half written")
    page.get_by_role("link", name="Connectivity plans").click()
    question.get_by_role("button", name="Leave").click()
    expect(updated).to_have_count(2)
    page.unroute_all()
    updated.last.get_by_role("button", name="Reload").click()
    desk.heading("Connectivity plans")
    expect(updated).to_have_count(0)


def test_e5_a_server_that_hangs_is_noticed(desk: Desk, server: RunningServer) -> None:
    """Stopped, not ended: connections are taken and never answered."""
    # Every screen is there, so that it opens without the server.
    desk.page.evaluate(
        """() => new Promise((loaded) => new PerformanceObserver((marks) => {
        if (marks.getEntriesByName("screens-loaded").length) loaded();
        }).observe({ type: "mark", buffered: true }))"""
    )
    server.process.send_signal(signal.SIGSTOP)
    try:
        desk.page.get_by_role("link", name="Developers").click()
        desk.heading("Developers")
        expect(desk.page.get_by_role("progressbar", name="Loading")).to_be_visible(timeout=3000)
        lost = desk.page.get_by_role("status").filter(has_text="Server unreachable")
        expect(lost).to_be_visible(timeout=8000)
        desk.page.get_by_role("link", name="Decoders", exact=True).click()
        desk.heading("Decoders")
    finally:
        server.process.send_signal(signal.SIGCONT)
    expect(lost).to_be_hidden()
    expect(desk.page.get_by_role("link", name="Thermometer")).to_be_visible(timeout=20_000)


def test_e5_what_was_loaded_stays_while_the_server_is_away(desk: Desk, world: World) -> None:
    desk.go(f"/devices/{world.ref}?tab=network")
    name = desk.page.get_by_role("textbox", name="Name")
    name.fill("Half done")
    desk.page.route("**/data/lora/**", lambda route: route.abort())
    expect(desk.page.get_by_role("status").filter(has_text="Server unreachable")).to_be_visible(
        timeout=20_000
    )
    expect(name).to_have_value("Half done")
    desk.page.unroute("**/data/lora/**")
    name.fill("Kitchen")


def test_e6_settings_of_a_plan_stay_what_was_typed(operators: Desk, server: RunningServer) -> None:
    operators.go("/operator/plans")
    operators.button("New plan")
    dialog = operators.page.get_by_role("dialog", name="New plan")
    dialog.get_by_role("textbox", name="ID", exact=True).fill("console-cs/typed")
    dialog.get_by_role("textbox", name="Name", exact=True).fill("Typed")
    find = dialog.get_by_label("Search settings")
    for setting, label, text in (
        ("forceChannelMask", "Channel mask", "0007"),
        ("targetPacketErrorRate", "Target packet error rate", "0.001"),
        ("marginOffset", "Margin", "-2.50"),
    ):
        find.fill(setting)
        dialog.get_by_role("textbox", name=label, exact=True).fill("")
        dialog.get_by_role("textbox", name=label, exact=True).press_sequentially(text)
    find.fill("duty cycle")
    dialog.get_by_role("combobox", name="Duty cycle of devices").click()
    operators.page.get_by_role("option", name="10: 1/1024").click()
    find.fill("uplinkProcessing")
    expect(dialog.get_by_role("textbox", name="Wait for an answer")).to_have_value("0 ms")
    operators.accessible()
    dialog.get_by_role("button", name="Save").click()
    expect(operators.page.get_by_text("Channel mask: 0007")).to_be_visible()
    for shown in ("Target packet error rate: 0.001", "Margin: -2.5", "Duty cycle of devices: 10"):
        expect(operators.page.get_by_text(shown)).to_be_visible()


def test_e6_region_and_class_of_a_profile_are_chosen(operators: Desk) -> None:
    operators.go("/operator/profiles")
    operators.button("New device profile")
    dialog = operators.page.get_by_role("dialog", name="New device profile")
    for label, choice in (("Region", "US915"), ("Class", "C"), ("LoRaWAN version", "1.0.4")):
        dialog.get_by_label("Search settings").fill(label)
        field = dialog.get_by_role("combobox", name=label, exact=True)
        field.click()
        operators.page.get_by_role("option", name=choice, exact=True).click()
        expect(field).to_have_value(choice)


def test_e7_filters_that_are_typed_together_count_together(desk: Desk) -> None:
    desk.go("/logger")
    for label in ("DevEUI", "DevAddr"):
        expect(desk.page.locator("label", has_text=re.compile(f"^{label}$"))).to_be_visible()
    desk.page.evaluate(
        """() => {
          const set = (label, text) => {
            const field = [...document.querySelectorAll('label')].find((one) => one.innerText === label);
            const input = document.getElementById(field.htmlFor);
            Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
            input.dispatchEvent(new Event('input', { bubbles: true }));
          };
          set('DevEUI', '0059AC*');
          set('DevAddr', '0*');
        }"""
    )
    desk.page.get_by_role("switch", name="Decode").click()
    desk.page.wait_for_url(re.compile("deviceEUI="))
    for part in ("deviceEUI=0059AC", "devAddr=0", "decode=off"):
        assert part in desk.page.url, desk.page.url
    desk.page.get_by_label("Base station").fill("FF")
    desk.page.get_by_label("AS ID").fill("x")
    desk.page.get_by_role("button", name="Clear", exact=True).last.click()
    desk.page.wait_for_url(lambda url: "deviceEUI" not in url)
    desk.page.wait_for_timeout(600)
    for part in ("baseStationId", "asId", "deviceEUI", "devAddr"):
        assert part not in desk.page.url, "what was cleared does not come back"


def test_e7_each_tab_has_its_screens_title(desk: Desk, world: World) -> None:
    for path, title in (
        ("/", "Home – Veldnet"),
        ("/devices", "Devices – Veldnet"),
        ("/logger", "Wireless logger – Veldnet"),
        (f"/devices/{world.ref}", "Kitchen – Veldnet"),
        (f"/devices/{world.ref}?tab=downlinks", "Downlinks · Kitchen – Veldnet"),
        ("/routing/1", "Receiver – Veldnet"),
        ("/account", "Account – Veldnet"),
    ):
        desk.go(path)
        expect(desk.page).to_have_title(title)


def test_e7_leaving_a_changed_form_asks_first(desk: Desk, world: World, user: Person) -> None:
    desk.go(f"/devices/{world.hsm}?tab=network")
    name = desk.page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("Cellar")
    desk.page.get_by_role("tab", name="Overview").click()
    desk.page.get_by_role("tab", name="Network").click()
    name.fill("Not yet")
    question = desk.page.get_by_role("dialog", name="Leave without saving?")
    ways: tuple[Callable[[], None], ...] = (
        lambda: desk.page.get_by_role("link", name="Alarms").click(),
        lambda: desk.page.get_by_role("tab", name="Overview").click(),
        lambda: desk.page.keyboard.press("Alt+2"),
    )
    for leave in ways:
        leave()
        expect(question).to_be_visible()
        question.get_by_role("button", name="Stay").click()
        expect(question).to_be_hidden()
        expect(name).to_have_value("Not yet")
    held = desk.page.evaluate(
        "() => { const e = new Event('beforeunload', {cancelable: true}); dispatchEvent(e); "
        "return e.defaultPrevented; }"
    )
    assert held, "closing the tab asks too"
    desk.page.get_by_role("link", name="Alarms").click()
    desk.accessible()
    question.get_by_role("button", name="Leave").click()
    desk.heading("Alarms")
    desk.go(f"/devices/{world.hsm}?tab=network")
    name.fill("Cellar 2")
    desk.button("Save")
    desk.told("Device saved")
    desk.page.get_by_role("link", name="Alarms").click()
    desk.heading("Alarms")
    user.call("PUT", f"{KPN}/devices/{world.hsm}", {"name": "Cellar"})


def test_e7_a_decoder_that_is_being_written_is_not_lost(desk: Desk, account: Account) -> None:
    """Not by a link, not by the end of the session, and the page asks no more once it is saved."""
    page = desk.page
    desk.go("/decoders/new")
    page.get_by_role("textbox", name="Name").fill("Half written")
    question = page.get_by_role("dialog", name="Leave without saving?")
    page.get_by_role("link", name="Alarms").click()
    question.get_by_role("button", name="Stay").click()
    desk.context.clear_cookies()
    desk.button("Save")
    again = page.get_by_role("dialog", name="Session expired")
    again.locator("input[name=password]").fill(account.thingpark_password)
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again).to_be_hidden()
    desk.heading("Half written")
    name = page.get_by_role("textbox", name="Name", exact=True)
    page.wait_for_url(re.compile(r"/decoders/\d+"))
    page.get_by_role("alert").filter(has_text="Decoder saved").get_by_role("button").click()
    name.fill("Written")
    desk.button("Save")
    desk.told("Decoder saved")
    page.get_by_role("link", name="Alarms").click()
    desk.heading("Alarms")


def test_e7_who_may_only_look_sees_no_form(
    browser: Browser, server: RunningServer, account: Account, world: World
) -> None:
    staff = Person(
        server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
    )
    customer = staff.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    for kind, pages in (
        ({"kind": "subscriber", "customerId": customer}, SUBSCRIBER_PAGES),
        ({"kind": "operator"}, OPERATOR_PAGES),
    ):
        new = {
            "username": f"reader-{kind['kind']}@example.com",
            "displayName": "Reader",
            "password": "only looking",
        }
        staff.call("POST", f"{V1}/operator/users", new | kind)
        desk = Desk(browser, server)
        desk.sign_in(new["username"], new["password"])
        for path in pages:
            desk.go(path)
            expect(desk.page.get_by_text("You have read-only access").first).to_be_visible()
            expect(desk.page.locator("[aria-busy=true]")).to_have_count(0)
            for name in ("Save$", "Create", "Delete", "Edit", "Import", "Send test", "Generate", "New "):
                button = desk.page.get_by_role("button", name=re.compile(f"^{name}"))
                if path != "/account":
                    expect(button, f"{path} shows {name}").to_have_count(0)
            if path in ("/devices/new", "/devices/import", "/routing/new", "/decoders/new"):
                expect(desk.page.get_by_role("textbox")).to_have_count(0)
        assert desk.errors == []
        desk.context.close()


def test_c5_what_waits_is_shown_with_its_server_and_next_attempt(desk: Desk) -> None:
    """The overview of a minute's waiting, without the minute."""
    waiting = {
        "routingProfileRef": "1", "asId": "twin", "waiting": 29, "oldestTime": "2026-01-01T00:00:00.000Z",
        "address": "https://as.example/uplink", "lastError": "HTTP 500", "nextAttemptAt": None,
        "lastAttemptAt": "2026-01-01T00:08:00.000Z",
    }  # fmt: skip

    def late(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["deliveries"] |= {"waiting": 29, "destinations": [waiting]}
        route.fulfill(response=answer, json=body)

    desk.page.route("**/api/v1/overview", late)
    for path in ("/", "/undelivered"):
        desk.go(path)
        row = desk.page.get_by_role("row").filter(has_text="https://as.example/uplink")
        for text in ("29", "HTTP 500"):
            expect(row).to_contain_text(text)
        desk.accessible()
    row.get_by_role("link").click()
    desk.heading("Receiver")
    desk.page.unroute("**/api/v1/overview")


def test_c5_a_device_without_routing_is_warned_of(desk: Desk, user: Person, world: World) -> None:
    desk.go(f"/devices/{world.wrong}")
    warning = desk.page.get_by_role("alert").filter(has_text="not delivered to any application server")
    expect(desk.page.get_by_text("Radio quality")).to_be_visible()
    expect(warning).to_have_count(0)
    profile = user.call("GET", f"{KPN}/devices/{world.wrong}")["routingProfileId"]
    user.call("PUT", f"{KPN}/devices/{world.wrong}", {"routingProfileId": "reset"})
    desk.page.reload()
    expect(warning).to_be_visible()
    user.call("PUT", f"{KPN}/devices/{world.wrong}", {"routingProfileId": profile})


def test_b9_base_stations_show_what_they_sent_that_cannot_be_read(operators: Desk) -> None:
    def refusing(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body[0] |= {
            "refusedFrames": 7, "lastRefusal": "rxpk[0].datr: 'SF99' is no data rate",
            "lastRefusalAt": "2026-01-01T00:00:00.000Z", "duplicateEui": ["192.0.2.1:1700", "192.0.2.2:1700"],
        }  # fmt: skip
        route.fulfill(response=answer, json=body)

    operators.page.route("**/api/v1/operator/baseStations", refusing)
    operators.go("/operator/base-stations")
    row = operators.page.get_by_role("row").filter(has_text="Sandbox base station 1")
    for text in ("7", "SF99", "duplicate EUI"):
        expect(row).to_contain_text(text)
    operators.accessible()
    row.get_by_role("link").first.click()
    operators.heading("Sandbox base station 1")
    expect(operators.page.get_by_role("alert").filter(has_text="192.0.2.2:1700")).to_be_visible()
    expect(operators.page.get_by_text("'SF99' is no data rate")).to_be_visible()
    operators.accessible()
    operators.page.unroute("**/api/v1/operator/baseStations")
