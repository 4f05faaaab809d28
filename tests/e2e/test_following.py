"""What is followed in the console, in a real browser: a downlink to its end, alarms, readings, the map."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.api.town import operator_of
from tests.e2e import radio
from tests.e2e.desk import WIDTHS, Desk, Desks
from tests.e2e.key_place import wait_for
from tests.e2e.languages import in_english_alone
from tests.e2e.looks import EVERYTHING, Looks, paint, resize
from tests.e2e.running import KPN, RunningServer
from tests.person import Person
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice

# The tests of this file share a server.
IN_EACH_LANGUAGE = True

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"


@pytest.fixture(scope="module")
def server(data: Path, account: Account) -> Iterator[RunningServer]:
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0")
    yield running
    assert running.stop() == 0


class World:
    """A customer with a device that talks."""

    def __init__(self, server: RunningServer, account: Account) -> None:
        self.server, self.account = server, account
        self.user = Person(server, account.thingpark_username, account.thingpark_password)
        self.operator = Person(server, operator_of(account), account.thingpark_password)
        self.antenna = radio.Antenna(account.base_station_eui)
        self.antenna.connect(server.udp)
        self.refs: dict[str, str] = {}
        self.valve = self.device("0059AC00DD000001", "Valve", geoLatitude=52.09, geoLongitude=5.12)

    def device(self, eui: str, name: str, **more: Any) -> VirtualDevice:
        body = {
            "EUI": eui,
            "name": name,
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": self.account.device_profile_id,
        } | more
        made = self.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        self.refs[name] = made["ref"]
        virtual = radio.device(eui, KEY)
        radio.join(self.antenna, virtual)
        self.antenna.hear(virtual.uplink(2, bytes.fromhex("0967083402015A")))
        self.antenna.downlink(2)
        return virtual


@pytest.fixture(scope="module")
def world(server: RunningServer, account: Account) -> World:
    return World(server, account)


@pytest.fixture
def desk(desks: Desks, world: World) -> Iterator[Desk]:
    with desks.of(world.user) as found:
        yield found


@pytest.fixture
def other(desks: Desks, world: World) -> Iterator[Desk]:
    """Another window."""
    with desks.of(world.user) as found:
        yield found


@pytest.fixture
def watching(desks: Desks, world: World) -> Iterator[Desk]:
    with desks.of(world.operator) as found:
        paint(found.page, "dark")
        yield found


def fits(desk: Desk, name: str) -> None:
    """Accessible and in one piece on a desk and a phone; in `make screens` on a tablet, too."""
    pictures = os.environ.get("PICTURES_OF_TESTS")
    looks = Looks(desk.page)
    for width in WIDTHS if EVERYTHING else (WIDTHS[0], WIDTHS[-1]):
        resize(desk.page, width)
        expect(desk.page.locator("[aria-busy=true]")).to_have_count(0)
        looks.now()
        if pictures:
            desk.page.screenshot(path=f"{pictures}/{name.replace(' ', '-')}-{width}.png", full_page=True)
    resize(desk.page, WIDTHS[0])


def test_a_downlink_is_followed_from_the_form_to_its_acknowledgement(
    desk: Desk, other: Desk, watching: Desk, world: World
) -> None:
    page = desk.page
    desk.go(f"/devices/{world.refs['Valve']}?tab=downlinks")
    page.get_by_label("Payload (hexadecimal)").fill("C0 FF EE")
    page.get_by_label("Confirmed").check()
    desk.button("Queue downlink")
    followed = page.get_by_test_id("follow")
    expect(followed.get_by_text("waiting for the next uplink of the device")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("Queued")).to_be_visible()
    # In another window, the list of all devices.
    other.go("/downlinks?status=queued,sending,sent")
    other.heading("Downlinks")
    row = other.page.get_by_role("row").filter(has_text="Valve")
    expect(row.get_by_text("Queued")).to_be_visible()
    world.antenna.keep_alive()
    world.antenna.hear(world.valve.uplink(2, b"\x00"))
    frame = world.antenna.downlink(5)
    assert frame is not None and world.valve.receive(frame) is not None
    expect(followed.get_by_text("RX1 · FF000001")).to_be_visible()
    expect(followed.get_by_text("waiting for acknowledgement")).to_be_visible()
    expect(row.get_by_text("Sent", exact=True)).to_be_visible()
    world.antenna.hear(world.valve.uplink(2, b"\x00"))
    expect(followed.get_by_text("Acknowledged by the device")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("Acknowledged", exact=True)).to_be_visible()
    # It leaves a list that shows open ones only.
    expect(row).to_have_count(0)
    # One that is queued can be cancelled, there.
    sent = world.user.call(
        "POST", f"{V1}/devices/{world.refs['Valve']}/downlinks", {"fPort": 9, "payload": "01"}
    )
    expect(row).to_have_count(1)
    row.click()
    expect(other.page.get_by_test_id("follow").get_by_text("FPort 9")).to_be_visible()
    other.page.get_by_test_id("follow").get_by_role("button", name="Cancel").click()
    other.told("Downlink cancelled")
    expect(other.page.get_by_test_id("follow").get_by_text("Cancelled (failed)")).to_be_visible()
    assert world.user.call("GET", f"{V1}/downlinks/{sent['id']}")["status"] == "cancelled"
    other.move(f"/downlinks?downlink={sent['id']}")
    expect(other.page.get_by_test_id("follow")).to_be_visible()
    fits(other, "downlinks")
    other.move(f"/devices/{world.refs['Valve']}?tab=downlinks&downlink={sent['id']}")
    expect(other.page.get_by_test_id("follow")).to_be_visible()
    fits(other, "downlinks of a device")
    watching.go(f"/operator/downlinks?downlink={sent['id']}")
    expect(watching.page.get_by_role("row").filter(has_text="Valve").first).to_be_visible()
    fits(watching, "downlinks of a network")
    # No window reads on while others are looked at.
    for each in (other, watching):
        each.page.goto("about:blank")


def test_an_alarm_is_commented_assigned_and_muted(desk: Desk, world: World) -> None:
    in_english_alone()
    world.antenna.keep_alive()
    world.antenna.hear(radio.device("0059AC00DD000001", "00" * 15 + "01").join_request())
    wait_for(lambda: world.user.call("GET", f"{V1}/alarms")["total"] == 1)
    desk.go("/alarms")
    page = desk.page
    page.get_by_text("Wrong MIC detected in Join request").click()
    alarm = page.get_by_test_id("alarm")
    expect(alarm.get_by_role("link", name="Frame that raised the alarm")).to_be_visible()
    expect(alarm.get_by_role("link", name="Diagnosis of the device")).to_be_visible()
    alarm.get_by_label("Add comment").fill("<b>Wrong key</b> in the workshop")
    alarm.get_by_role("button", name="Add comment").click()
    desk.told("Comment saved")
    expect(alarm.get_by_text("<b>Wrong key</b> in the workshop")).to_be_visible()
    alarm.get_by_role("combobox", name="Assigned to").click()
    page.get_by_role("option").first.click()
    desk.told("Assignment saved")
    alarm.get_by_role("button", name="1 day").click()
    desk.told("Alarm muted")
    expect(alarm.get_by_role("button", name="Unmute")).to_be_visible()
    fits(desk, "alarm")
    page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has_text="Wrong MIC")
    expect(row.get_by_text("Muted")).to_be_visible()
    expect(row.get_by_text("1 comment")).to_be_visible()
    desk.move("/alarms?assignee=me&muted=true")
    expect(row).to_have_count(1)
    desk.move("/alarms?muted=false")
    expect(page.get_by_text("No alarms match the filters.")).to_be_visible()
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Nederlands").click()
    desk.go("/alarms?muted=true")
    page.get_by_role("row").filter(has_text="Verkeerde MIC").click()
    expect(alarm.get_by_role("button", name="Dempen opheffen")).to_be_visible()
    alarm.get_by_role("button", name="Dempen opheffen").click()
    desk.told("Alarm niet meer gedempt")
    assert world.user.call("GET", f"{V1}/alarms")["alarms"][0]["mutedUntil"] is None
    # The server keeps the choice.
    world.user.call("PUT", f"{V1}/session/language", {"language": "en"})


def test_readings_are_compared_and_kept_as_a_file(desk: Desk, world: World) -> None:
    decoder = {
        "name": "Thermometer",
        "kind": "JAVASCRIPT",
        "source": "function decodeUplink({bytes}) { return {data: {temperature: bytes[3] / 2, level: 7}}; }",
        "deviceProfileIds": [world.account.device_profile_id],
    }
    made = world.user.call("POST", f"{V1}/decoders", decoder)
    world.device("0059AC00DD000002", "Cellar", geoLatitude=52.1, geoLongitude=5.13)
    wait_for(lambda: world.user.call("GET", f"{V1}/devices/{world.refs['Cellar']}/readings"))
    page = desk.page
    desk.go(f"/decoders/{made['ref']}")
    desk.button("Add unit")
    page.get_by_label("Name of the reading").fill("level")
    page.get_by_label("Unit", exact=True).fill("cm")
    desk.button("Save")
    desk.told("Decoder saved")
    desk.move(f"/devices/{world.refs['Valve']}?tab=readings")
    for column in ("temperature (°C)", "level (cm)"):
        expect(page.get_by_role("columnheader", name=column)).to_be_visible()
    page.get_by_role("combobox", name="Compare with other devices").click()
    page.get_by_role("option", name="Cellar").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("cell", name="Cellar").first).to_be_visible()
    expect(page.get_by_role("img", name="Readings")).to_be_visible()
    with page.expect_download() as waiting:
        desk.button("CSV")
    text = Path(waiting.value.path()).read_text()
    assert "temperature (°C)" in text.splitlines()[0] and "Cellar" in text and "Valve" in text
    fits(desk, "readings")
    _charts_have_one_crosshair(desk, world)
    desk.go(f"/decoders/{made['ref']}")
    expect(page.get_by_label("Unit", exact=True)).to_have_value("cm")
    fits(desk, "units")


def _charts_have_one_crosshair(desk: Desk, world: World) -> None:
    """What is pointed at in one chart is told by the others, too."""
    page = desk.page
    desk.move(f"/devices/{world.refs['Valve']}?tab=charts&form=frames&days=1")
    told = page.get_by_role("img", name="SNR (dB)").locator("xpath=./div").filter(has_text="SNR")
    expect(told).to_have_count(0)
    level = page.get_by_role("img", name="RSSI · ESP (dBm)")
    level.scroll_into_view_if_needed()
    place = level.bounding_box()
    assert place is not None
    # The frames are of this minute, at the right end of the day.
    for step in range(40):
        page.mouse.move(place["x"] + place["width"] - 12 - 2 * step, place["y"] + place["height"] / 2)
        if told.count():
            break
    expect(told).to_be_visible()


def test_the_map_shows_devices_stations_and_coverage(desk: Desk, world: World) -> None:
    operator = world.operator
    station = operator.call("GET", f"{V1}/operator/baseStations")[0]
    operator.call(
        "PUT",
        f"{V1}/operator/baseStations/{station['id']}",
        {"name": station["name"], "latitude": 52.08, "longitude": 5.1},
    )
    wait_for(lambda: world.user.call("GET", f"{V1}/coverage?cell=1"), seconds=60)
    paint(desk.page, "dark")
    page = desk.page
    desk.go("/devices?view=map")
    mark = page.get_by_alt_text(f"Base station {station['id']}").or_(
        page.get_by_title(f"Base station {station['id']}")
    )
    mark.first.click()
    card = page.get_by_test_id("map-card")
    expect(card.get_by_text("Connected", exact=True)).to_be_visible()
    card.get_by_role("button", name="Show coverage of this base station").click()
    expect(page.get_by_text("only base station FF000001")).to_be_visible()
    expect(page.locator(".leaflet-areas-pane path").first).to_be_attached()
    page.locator("path.leaflet-interactive[stroke='#fff']").first.click(force=True)
    expect(card.get_by_role("link", name="Open device")).to_be_visible()
    fits(desk, "map")
