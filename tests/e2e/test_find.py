"""Finding things with the console in a real browser: the search, devices that nobody has
registered, and what happened to a device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.api.town import operator_of
from tests.e2e import radio
from tests.e2e.desk import Desk, Desks
from tests.e2e.languages import in_english_alone
from tests.e2e.running import KPN, RunningServer
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.
IN_EACH_LANGUAGE = True

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>alert(1)</script>"


@pytest.fixture(scope="module")
def server(data: Any, account: Account) -> Any:
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0")
    yield running
    assert running.stop() == 0


class World:
    """A subscriber with two devices and a routing profile, and the people who look for them."""

    def __init__(self, server: RunningServer, account: Account) -> None:
        self.account = account
        self.user = Person(server, account.thingpark_username, account.thingpark_password)
        self.operator = Person(server, operator_of(account), account.thingpark_password)
        self.antenna = radio.Antenna(account.base_station_eui)
        self.antenna.connect(server.udp)
        routing = {"name": "Pumps", "default": True, "routes": [{"addresses": ["http://127.0.0.1:9/dead"]}]}
        self.routing = self.user.call("POST", f"{KPN}/routingProfiles", routing)
        self.device = self._create("0059AC0000C0FFEE", "Water meter Dam 7")
        self.hostile = self._create("0059AC0000BADBAD", HOSTILE)

    def _create(self, eui: str, name: str) -> str:
        body = {
            "EUI": eui,
            "name": name,
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": self.account.device_profile_id,
            "routingProfileId": self.routing["id"],
        }
        made = self.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        return str(made["ref"])


@pytest.fixture(scope="module")
def world(server: RunningServer, account: Account) -> World:
    return World(server, account)


@pytest.fixture
def desk(desks: Desks, world: World) -> Iterator[Desk]:
    """A user of the subscriber."""
    with desks.of(world.user) as found:
        found.go("/")
        found.heading("Home")
        yield found


@pytest.fixture
def operators(desks: Desks, world: World) -> Iterator[Desk]:
    with desks.of(world.operator) as found:
        found.go("/")
        found.heading("Network")
        yield found


def look_for(desk: Desk, text: str, key: str = "Control+k", field: str = "Name, DevEUI") -> Locator:
    """Types into the search; returns its options."""
    desk.page.keyboard.press(key)
    expect(desk.page.get_by_role("combobox", name=field)).to_be_focused()
    desk.page.keyboard.type(text)
    return desk.page.get_by_role("option")


def test_everything_is_found_from_the_keyboard(desk: Desk, world: World) -> None:
    in_english_alone()
    options = look_for(desk, "ffee")
    expect(options).to_have_text(["Water meter Dam 70059AC0000C0FFEE"])
    desk.page.keyboard.press("Enter")
    desk.heading("Water meter Dam 7")
    # Also while something is being typed, and what is drawn of fewer letters is not opened.
    desk.move("/devices")
    desk.page.get_by_role("textbox").first.focus()
    look_for(desk, "pumps")
    desk.page.keyboard.press("Enter")
    desk.heading("Pumps")
    options = look_for(desk, "go to ala", "/")
    expect(options).to_have_text(["Alarms"])
    desk.page.keyboard.press("Enter")
    desk.heading("Alarms")
    # What was opened last comes first, and arrows move around the list.
    options = look_for(desk, "")
    expect(options.first).to_have_text("Pumps" + world.routing["id"])
    desk.page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    desk.page.keyboard.press("ArrowUp")
    desk.page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    desk.page.keyboard.press("Escape")
    expect(options).to_have_count(0)


def test_hostile_names_are_shown_as_they_are(desk: Desk, world: World) -> None:
    options = look_for(desk, "onerror")
    expect(options).to_contain_text([HOSTILE])
    desk.accessible_everywhere("search-hostile")
    options.first.click()
    desk.heading(HOSTILE)
    options = look_for(desk, "nowhere at all")
    expect(desk.page.get_by_role("status").filter(has_text="No matches")).to_be_visible()
    assert desk.page.title() != "hacked"


def test_an_operator_searches_all_subscribers_in_dutch(operators: Desk, world: World) -> None:
    in_english_alone()
    operators.page.get_by_role("button", name="Account").click()
    operators.page.get_by_role("menuitem", name="Nederlands").click()
    options = look_for(operators, "sandbox", field="Naam, DevEUI")
    for heading in ("Basisstations", "Klanten", "Gebruikers"):
        expect(operators.page.get_by_role("group", name=heading)).to_be_visible()
    operators.accessible_everywhere("search-operator")
    operators.page.keyboard.press("Escape")
    options = look_for(operators, "dam 7", field="Naam, DevEUI")
    expect(options).to_contain_text(["Sandbox"])
    operators.page.keyboard.press("Enter")
    operators.heading("Water meter Dam 7")
    look_for(operators, "basisst", field="Naam, DevEUI")
    operators.page.keyboard.press("Enter")
    operators.heading("Basisstations")
    # The server keeps the choice.
    operators.page.get_by_role("button", name="Account").click()
    operators.page.get_by_role("menuitem", name="English").click()
    operators.heading("Base stations")


def test_an_unknown_device_is_found_in_the_logger_and_created(operators: Desk, world: World) -> None:
    newcomer = radio.device("70B3D57ED0C0FFEE", KEY)
    world.antenna.hear(newcomer.join_request())
    page = operators.page
    operators.move("/logger")
    page.get_by_role("switch", name="Unknown devices only").click()
    frames = page.get_by_test_id("frames")
    expect(frames).to_contain_text("70B3D57ED0C0FFEE")
    frames.get_by_role("button", name=re.compile("70B3D57ED0C0FFEE, ")).first.click()
    expect(page.get_by_test_id("frame-details")).to_contain_text("JoinEUI")
    page.get_by_role("navigation").get_by_role("link", name="Unknown devices").click()
    row = page.get_by_role("row").filter(has_text="70B3D57ED0C0FFEE")
    for text in ("0059AC0000000001", "Sandbox base station 1", "dBm", "SF"):
        expect(row).to_contain_text(text)
    operators.accessible_everywhere("unknown-devices")
    row.get_by_role("button", name="Create this device").click()
    page.get_by_role("button", name="Continue").click()
    operators.heading("New device")
    expect(page.get_by_label("DevEUI")).to_have_value("70B3D57ED0C0FFEE")
    expect(page.get_by_label("JoinEUI")).to_have_value("0059AC0000000001")


def test_a_timeline_shows_who_changed_what(desk: Desk, world: World) -> None:
    world.antenna.hear(radio.device("0059AC0000C0FFEE", "00" * 15 + "01").join_request())
    world.user.call("PUT", f"{V1}/devices/{world.device}", {"tags": [HOSTILE[:20]]})
    page = desk.page
    desk.move(f"/devices/{world.device}")
    page.get_by_role("tab", name="Timeline").click()
    events = page.get_by_test_id("timeline")
    for text in ("Device created", "Join refused: the AppKey differs", "Device changed", "Sandbox User"):
        expect(events).to_contain_text(text)
    expect(events.locator("ins")).to_have_text([HOSTILE[:20]])
    desk.accessible_everywhere("timeline")
    page.get_by_role("button", name="Changes", exact=True).click()
    expect(events).not_to_contain_text("Join refused")
    page.reload()
    expect(events).to_contain_text("Device changed")
    expect(events).not_to_contain_text("Join refused")
