"""From nothing at all to the first reading of a device, by the console's first steps alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.e2e import radio
from tests.e2e.desk import Desk
from tests.e2e.key_place import wait_for
from tests.e2e.languages import Spoken
from tests.e2e.running import RunningServer, veldnet
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.
IN_EACH_LANGUAGE = True

PASSWORD = "a password of somebody"
KEY, WRONG = "8F1CA24B6D0E93577A21C4F8B3D6E905", "8F1CA24B6D0E93577A21C4F8B3D6E906"
STATION, DEVICE, OTHER = "647FDAFFFE00F157", "0059AC0000F15701", "0059AC0000F15702"


@pytest.fixture(scope="module")
def server(data: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    secret = tmp_path_factory.mktemp("secret") / "password"
    secret.write_text(PASSWORD)
    for words in (
        ("operator", "create", "new-ope", "New network"),
        (
            "operator-user-create",
            "first@example.org",
            "--operator",
            "new-ope",
            "--password-file",
            str(secret),
        ),
    ):
        veldnet("admin", *words, "--data", str(data))
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def desk(server: RunningServer, browser: Browser) -> Iterator[Desk]:
    found = Desk(browser, server, Person(server, "first@example.org", PASSWORD))
    found.go("/")
    yield found
    assert found.errors == [] and found.elsewhere == []
    found.context.close()


@pytest.fixture(scope="module")
def antenna(language: Spoken) -> radio.Antenna:
    """One for all tests: downlinks go to where the base station has been for long, not to its new port."""
    return radio.Antenna(STATION)


def fill(desk: Desk, **fields: str) -> None:
    for label, text in fields.items():
        desk.page.get_by_role("textbox", name=label.replace("_", " "), exact=True).fill(text)


def connected(antenna: radio.Antenna, sign: Locator) -> bool:
    """As a packet forwarder does, which speaks again and again."""
    antenna.keep_alive()
    return sign.is_visible()


def step(desk: Desk, name: str) -> None:
    expect(desk.page.locator("[aria-current=step]")).to_contain_text(name)


def test_the_operator_prepares_the_network(desk: Desk, server: RunningServer, antenna: radio.Antenna) -> None:
    desk.page.get_by_role("link", name="Begin").click()
    step(desk, "Subscriber")
    fill(desk, Name="Acme", Customer_ID="100000077")
    desk.button("Create")
    step(desk, "User")
    fill(desk, User_name="ann@acme.example")
    desk.page.locator("input[type=password]").fill(PASSWORD)
    desk.button("Create")
    step(desk, "Connectivity plan")
    fill(desk, Name="Basic", ID="acme-cs/basic")
    desk.button("Create and grant")
    step(desk, "Base station")
    antenna.connect(server.udp)
    desk.button("Use")
    fill(desk, Name="Roof")
    desk.button("Save")
    expect(desk.page.get_by_text(STATION.removeprefix("647")).first).to_be_visible()
    with desk.page.expect_download() as saved:
        desk.button("Download global_conf.json")
    assert STATION in Path(saved.value.path()).read_text()
    up = desk.page.get_by_text("Roof is connected")
    wait_for(lambda: connected(antenna, up))
    # It goes on where it was left, past what is there.
    desk.go("/operator/first-steps")
    step(desk, "Device")
    desk.button("Continue")
    expect(desk.page.get_by_role("textbox", name="DevEUI")).to_be_visible()


def test_a_device_is_followed_to_its_first_reading(desk: Desk, antenna: radio.Antenna) -> None:
    desk.go("/first-steps")
    fill(desk, DevEUI=DEVICE, AppKey=WRONG, Name="Cold store")
    desk.page.get_by_role("textbox", name="JoinEUI").fill(str(radio.JOIN_EUI))
    expect(desk.page.get_by_role("checkbox", name=re.compile("Without HSM"))).to_be_checked()
    desk.page.get_by_role("combobox", name="Model", exact=True).click()
    desk.page.get_by_role("option", name="Cayenne").first.click()
    expect(desk.page.get_by_role("combobox", name="Region")).to_have_value("EU868")
    desk.button("Create device")
    step(desk, "First reading")
    expect(desk.page.get_by_text("No base station has received the device; 1 is connected.")).to_be_visible()
    # Another device asks, of which nobody knows.
    antenna.hear(radio.device(OTHER, KEY).join_request())
    expect(desk.page.get_by_text(OTHER)).to_be_visible()
    # The device itself, whose key was entered wrongly.
    virtual = radio.device(DEVICE, KEY)
    antenna.hear(virtual.join_request())
    expect(desk.page.get_by_text(re.compile("MIC check failed"))).to_be_visible()
    radio.join(antenna, radio_with := radio.device(DEVICE, WRONG))
    antenna.hear(radio_with.uplink(2, b"\x01\x67\x00\xd2"))
    expect(desk.page.get_by_text("The first reading has arrived")).to_be_visible()
    expect(desk.page.get_by_text('"temperature_1": 21')).to_be_visible()
    desk.accessible_everywhere("first-steps-arrived")
