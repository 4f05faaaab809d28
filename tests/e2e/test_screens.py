"""Every screen of the console, of a network that has been in use: accessible, whole, and without an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.certificates import write_pair
from tests.e2e import radio
from tests.e2e.desk import PICTURES, Desk
from tests.e2e.dialogs import Dialogs, titles
from tests.e2e.lived_in import UNKNOWN, LivedIn
from tests.e2e.running import RunningServer
from tests.e2e.screens import operator_screens, subscriber_screens
from veldnet.simulator.customer import Account

# The tests of this file share a server.

# What the page writes where it has no value.
GAPS = re.compile(r"undefined|\[object|NaN|null")


@pytest.fixture(scope="module")
def server(data: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    trust = write_pair(tmp_path_factory.mktemp("trust")).certificate
    world = LivedIn(data, account, trust)
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0", **world.settings)
    # A base station of which nobody knows, and one that is known and hears a device of which nobody knows.
    for eui in (UNKNOWN, account.base_station_eui):
        antenna = radio.Antenna(eui)
        antenna.connect(running.udp)
    antenna.hear(radio.device("0059AC00DDFFFFFF", "00" * 16).join_request())
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def desk(server: RunningServer, browser: Browser) -> Iterator[Desk]:
    found = Desk(browser, server)
    yield found
    assert found.errors == [] and found.elsewhere == []
    found.context.close()


@pytest.mark.parametrize("who", ["subscriber", "operator"])
def test_every_screen_is_accessible_and_in_one_piece(desk: Desk, account: Account, who: str) -> None:
    """At three widths, light and dark. Where only the layout can differ axe is not repeated: what it finds
    follows from the elements that are there, which the width decides, and from their colours. Every width and
    every colour is looked at once; whether all fits depends on the width alone."""
    operator = who == "operator"
    name = account.thingpark_username
    desk.page.set_viewport_size({"width": 1440, "height": 900})
    desk.context.clear_cookies()
    desk.sign_in(name.replace("sandbox", "operator") if operator else name, account.thingpark_password)
    expect(desk.page.get_by_role("heading", level=1)).to_have_count(1)
    desk.complaints.clear()
    dialogs = Dialogs(desk)
    for path in operator_screens() if operator else subscriber_screens():
        desk.move(path)
        # The audit log shows changes as they were sent, in JSON.
        shown = desk.page.inner_text("body") if path != "/operator/audit" else ""
        assert not GAPS.search(shown), f"{path} shows {GAPS.search(shown)}"
        dialogs.of_the_screen()
        for width, scheme in ((1440, "light"), (1024, "light"), (768, ""), (390, "dark")):
            desk.fits(width)
            if scheme:
                desk.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                desk.accessible()
        if PICTURES:
            take_pictures(desk, who + re.sub(r"\W+", "-", path))
        desk.fits(1440)
        desk.page.emulate_media(color_scheme="light")
    assert desk.complaints == []
    print(sorted(dialogs.seen))
    print(sorted(dialogs.forms))
    print([key for key, pattern in titles().items() if not any(pattern.fullmatch(one) for one in dialogs.seen)])
    assert 0


def take_pictures(desk: Desk, name: str) -> None:
    for width in (1440, 390):
        desk.fits(width)
        for scheme in ("light", "dark"):
            desk.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            desk.settle()
            desk.page.wait_for_timeout(600)
            desk.page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)
