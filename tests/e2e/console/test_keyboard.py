"""Two jobs of a day without a pointer: an operator's and a customer's, from the sign-in form on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e import radio
from tests.e2e.console.world import World
from tests.e2e.desk import Desk, Desks
from veldnet.simulator.customer import Account

# Presses of a key from one control to another that people put up with.
MOST = 60
FOCUSED = "one => one === document.activeElement"


class Hands:
    """Only the keyboard of a page."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.page, self.keys = desk, desk.page, desk.page.keyboard

    def until(self, reached: Callable[[], bool], key: str) -> None:
        for _ in range(MOST):
            if reached():
                return
            self.keys.press(key)
        raise AssertionError(f"{MOST} times {key} do not lead there")

    def to(self, control: Locator) -> None:
        expect(control).to_be_visible()
        self.until(lambda: bool(control.evaluate(FOCUSED)), "Tab")

    def write(self, field: Locator, text: str) -> None:
        self.to(field)
        self.keys.type(text)

    def press(self, button: Locator) -> None:
        self.to(button)
        self.keys.press("Enter")

    def sign_in(self, username: str, password: str) -> None:
        self.desk.go("/")
        self.write(self.page.get_by_label("User name"), username)
        self.write(self.page.locator("input[name=password]"), password)
        self.keys.press("Enter")
        expect(self.page.get_by_role("navigation", name="Menu")).to_be_visible()

    def find(self, text: str) -> None:
        """Open what the search names first."""
        self.keys.press("Control+k")
        dialog = self.page.get_by_role("dialog", name="Search")
        expect(dialog.get_by_role("combobox")).to_be_focused()
        self.keys.type(text)
        expect(dialog.get_by_role("option").first).to_contain_text(text)
        self.keys.press("Enter")
        expect(dialog).to_be_hidden()


@pytest.fixture
def hands(desks: Desks, world: World) -> Iterator[Hands]:
    with desks.of(None) as desk:
        yield Hands(desk)


def test_an_operator_creates_a_plan_by_keyboard(hands: Hands, account: Account) -> None:
    hands.sign_in(account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password)
    hands.find("Connectivity plans")
    hands.desk.heading("Connectivity plans")
    hands.press(hands.page.get_by_role("button", name="New plan"))
    dialog = hands.page.get_by_role("dialog", name="New plan")
    hands.write(dialog.get_by_role("textbox", name="ID", exact=True), "console-cs/keys")
    hands.write(dialog.get_by_role("textbox", name="Name", exact=True), "Keys only")
    hands.write(dialog.get_by_label("Search settings"), "allowClassB")
    choice = dialog.get_by_role("combobox", name="Class B permitted")
    hands.press(choice)
    option = hands.page.get_by_role("option", name="yes")
    expect(option).to_be_visible()
    hands.until(lambda: option.get_attribute("data-combobox-selected") == "true", "ArrowDown")
    hands.keys.press("Enter")
    expect(choice).to_have_value("yes")
    hands.press(dialog.get_by_role("button", name="Save"))
    expect(dialog).to_be_hidden()
    expect(hands.page.get_by_text("Keys only", exact=True)).to_be_visible()
    expect(hands.page.get_by_text("Class B permitted: yes", exact=True).first).to_be_visible()


def test_a_customer_finds_a_device_and_acknowledges_its_alarm_by_keyboard(
    hands: Hands, account: Account, world: World, antenna: radio.Antenna
) -> None:
    # A join with a wrong key.
    antenna.hear(radio.device("0059AC00DD000002", "00" * 15 + "01").join_request())
    hands.sign_in(account.thingpark_username, account.thingpark_password)
    hands.find("Cellar")
    hands.page.wait_for_url(re.compile(f"/devices/{world.hsm}"))
    tabs = hands.page.get_by_role("tablist")
    hands.to(tabs.get_by_role("tab", name="Overview"))
    alarms = tabs.get_by_role("tab", name="Alarms")
    hands.until(lambda: alarms.evaluate(FOCUSED), "ArrowRight")
    hands.keys.press("Enter")
    expect(alarms).to_have_attribute("aria-selected", "true")
    row = hands.page.get_by_role("table", name="Alarms").locator("tbody tr").first
    # The row opens what is known of the alarm, and comes back to it.
    hands.to(row)
    hands.keys.press("Enter")
    expect(hands.page.get_by_role("dialog", name="Alarm")).to_be_visible()
    hands.keys.press("Escape")
    expect(row).to_be_focused()
    hands.press(row.get_by_role("button", name="Acknowledge"))
    hands.desk.told("acknowledged")
    expect(row.get_by_role("button", name="Acknowledge")).to_have_count(0)
