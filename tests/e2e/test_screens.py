"""Every screen of the console, of a network that has been in use: accessible, whole, and without an error."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.api.town import operator_of
from tests.authenticator import Enrolled
from tests.certificates import write_pair
from tests.e2e import radio
from tests.e2e.desk import PICTURES, Desk
from tests.e2e.dialogs import OPPOSITE, Dialogs, never_opened
from tests.e2e.lived_in import UNKNOWN, LivedIn
from tests.e2e.looks import ORDER, SCHEMES, Looks, Order, codes_shown, paint, resize
from tests.e2e.running import RunningServer
from tests.e2e.screens import operator_screens, subscriber_screens
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.

# Of the first sandbox in a data directory.
CUSTOMER = "100000001"
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


@pytest.fixture(scope="module")
def opened() -> set[str]:
    """Titles of the dialogs that the other of both has opened."""
    return set()


@pytest.fixture(scope="module")
def walked() -> set[str]:
    """Who has walked through all screens."""
    return set()


CHANGES = re.compile("Save$|Create|Delete|Edit|Import|Send test|Generate|New ")
# In one question for each screen: whether it says so, and the names of its buttons.
READ = """() => {
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const texts = document.evaluate("//text()[contains(., 'You have read-only access')]", document, null, 7);
  const told = Array.from({ length: texts.snapshotLength }, (_, at) => texts.snapshotItem(at).parentElement);
  const name = (one) => (one.getAttribute("aria-label") ?? one.innerText).trim();
  return [told.some((one) => one.checkVisibility()), shown("button, [role=button]").map(name)];
}"""


@pytest.mark.parametrize("kind", ["subscriber", "operator"])
def test_e7_who_may_only_look_sees_no_form(desk: Desk, account: Account, kind: str) -> None:
    operator = Person(desk.server, operator_of(account), account.thingpark_password)
    new = {
        "username": f"reader-{kind}@example.com",
        "displayName": "Reader",
        "password": "only looking",
        "kind": kind,
        "customerId": CUSTOMER,
    }
    if kind == "operator":
        del new["customerId"]
    operator.call("POST", "/api/v1/operator/users", new)
    desk.give_session(Person(desk.server, new["username"], new["password"]))
    desk.go("/")
    for path in subscriber_screens() if kind == "subscriber" else operator_screens():
        # Readers get no screen where all of it is a form.
        desk.move(path, headed=False)
        told, names = desk.page.evaluate(READ)
        assert told, path
        if path != "/account":
            assert names and [name for name in names if CHANGES.match(name)] == [], path
        if path in ("/devices/new", "/devices/import", "/routing/new", "/decoders/new"):
            expect(desk.page.get_by_role("textbox")).to_have_count(0)
    assert desk.errors == []


# Dialogs that the walks do not look at: questions before what was typed is dropped, which every form asks;
# search and the shortcuts; what is shown for a moment, or opened from another dialog; what needs a series of
# scanned codes; what differs from the dialog of the opposite in a word.
ELSEWHERE = {
    *("unsaved.closeTitle", "unsaved.title", "search.title", "keys.title"),
    *("devices.deleting", "users.confirmTitle", "scan.pasteKeys", "offers.resumeTitle"),
}


@pytest.mark.parametrize("who", ["subscriber", "operator"])
def test_every_screen_is_accessible_and_in_one_piece(
    desk: Desk, account: Account, opened: set[str], walked: set[str], who: str
) -> None:
    """Nothing is too wide at four widths; axe looks at a desk, light, and at a phone, dark; in
    `make screens` at each width, light and dark."""
    operator = who == "operator"
    name = account.thingpark_username
    desk.give_session(
        Person(desk.server, operator_of(account) if operator else name, account.thingpark_password)
    )
    desk.go("/")
    expect(desk.page.get_by_role("heading", level=1)).to_have_count(1)
    desk.complaints.clear()
    dialogs = Dialogs(desk, opened)
    dialogs.stand("desk")
    for path in operator_screens() if operator else subscriber_screens():
        desk.move(path)
        if path == "/account" and operator:
            with_a_second_factor(desk, account.thingpark_password)
            desk.go(path)
            desk.move(path)
        dialogs.prepare(path)
        # From the width and the colours of the screen before: each change of them is work for the whole page.
        if dialogs.at == "phone":
            look_at(desk, path, ORDER[::-1])
            dialogs.stand("desk")
            open_the_dialogs(desk, dialogs, path)
        else:
            open_the_dialogs(desk, dialogs, path)
            look_at(desk, path, ORDER if dialogs.at == "desk" else ORDER[::-1])
            dialogs.at = OPPOSITE[dialogs.at]
        if PICTURES:
            take_pictures(desk, who + re.sub(r"\W+", "-", path))
            dialogs.stand("desk")
    dialogs.stand("desk")
    assert desk.complaints == []
    assert len(dialogs.forms) >= 8, dialogs.forms
    opened.update(dialogs.seen)
    walked.add(who)
    if len(walked) == 2:
        assert never_opened(opened) == ELSEWHERE


def look_at(desk: Desk, path: str, order: Order) -> None:
    """At each width, and in words at the first."""
    looks = Looks(desk.page)
    for width, scheme in order:
        if scheme:
            looks.at(width, scheme)
        else:
            desk.fits(width)
        if width == 1440:
            # The audit log shows changes as they were sent, in JSON.
            shown = desk.page.inner_text("body") if path != "/operator/audit" else ""
            assert not GAPS.search(shown), f"{path} shows {GAPS.search(shown)}"
            assert codes_shown(desk.page) == [], path


def open_the_dialogs(desk: Desk, dialogs: Dialogs, path: str) -> None:
    dialogs.of_the_screen()
    if path == "/devices":
        dialogs.result_of_an_edit()
    if path == "/alarms":
        dialogs.of_a_row()
    if path == "/operator/coverage":
        cells_split_where_the_map_is_enlarged(desk)


def with_a_second_factor(desk: Desk, password: str) -> None:
    """Who has one is offered other dialogs. It is set up in the session of the page, which goes on."""
    session = desk.page.request.get(f"{desk.server.http}/api/v1/session").json()

    class InThePage:
        def call(self, method: str, path: str, body: Any = None) -> Any:
            headers = {"x-csrf-token": session["csrfToken"]}
            answer = desk.page.request.fetch(
                desk.server.http + path, method=method, data=body, headers=headers
            )
            assert answer.ok, answer.text()
            return answer.json()

    Enrolled(InThePage(), password, time.time())


# Whether there are so many once the map has closed in, and what it shows there has come.
_CELLS = """async (count) => {
  const there = () => document.querySelectorAll(".leaflet-areas-pane path").length === count;
  for (let still = 0; still < 30; still++) {
    if (document.querySelector(".leaflet-zoom-anim, [aria-busy=true]")) still = 0;
    else if (there()) return true;
    await new Promise(requestAnimationFrame);
  }
  return false;
}"""


def cells_split_where_the_map_is_enlarged(desk: Desk) -> None:
    """The map closes in until the smallest are apart; they are one from afar, and split on the way back."""
    page = desk.page
    cells = page.locator(".leaflet-areas-pane path")
    expect(cells).to_have_count(3)
    for way, count in (("Zoom out", 1), ("Zoom in", 3)):
        for _ in range(8):
            page.get_by_role("button", name=way).click()
            # A click while the map still moves is ignored, as it is for people.
            if page.evaluate(_CELLS, count):
                break
        expect(cells).to_have_count(count)
        if PICTURES:
            page.screenshot(path=f"{PICTURES}/cells-{count}.png")


def take_pictures(desk: Desk, name: str) -> None:
    for width in (1440, 390):
        desk.fits(width)
        for scheme in SCHEMES:
            paint(desk.page, scheme)
            desk.settle()
            desk.page.wait_for_timeout(600)
            desk.page.screenshot(path=f"{PICTURES}/{name}-{width}-{scheme}.png", full_page=True)


def test_the_keyboard_reaches_everything(desk: Desk, account: Account) -> None:
    """From the first Tab on, in the order of the page: controls, rows, a menu and a dialog of it."""
    page, keys = desk.page, desk.page.keyboard
    desk.give_session(Person(desk.server, account.thingpark_username, account.thingpark_password))
    desk.go("/")
    for path in ("/devices", "/alarms", "/users", "/devices/new"):
        desk.move(path)
        page.evaluate(FROM_THE_TOP)
        keys.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        # Twice as often as there are controls: what a form loads late adds some on the way.
        for _ in range(2 * page.evaluate(CONTROLS)):
            keys.press("Tab")
            if not page.evaluate(REACHED):
                break
        assert page.evaluate(MISSED) == [], path
    desk.move("/users")
    menu = page.locator("main [aria-haspopup=menu]").first
    menu.focus()
    keys.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(menu).to_be_focused()
    keys.press("Shift+?")
    shortcuts = page.get_by_role("dialog", name="Keyboard")
    for shortcut in ("Ctrl K", "Alt 1 … 4", "Alt N", "Enter", "Space", "Esc"):
        expect(shortcuts.get_by_text(shortcut, exact=True)).to_be_visible()
    keys.press("Escape")
    for shortcut, heading in (("Alt+1", "Home"), ("Alt+3", "Wireless logger"), ("Alt+4", "Alarms")):
        keys.press(shortcut)
        desk.heading(heading)
    keys.press("Alt+n")
    desk.heading("New device")


PAGE = """<html lang=en><title>t</title><style>.pale { color: #777; } @media (prefers-color-scheme: dark) {
  body, [role=dialog] { background: #111; color: #fff; } }</style>
<body><div id=root><nav>%s</nav><main>%s</main></div><div role=dialog aria-label=d>%s</div>"""


def test_axe_looks_everywhere_once_for_each_scheme(browser: Browser) -> None:
    """At the menu, the screen and a dialog over both; at what the colours decide in each scheme."""
    fine, pale, nameless = "<b>fine</b>", "<b class=pale>pale</b>", "<img src=data:,>"
    page = browser.new_page()
    for place in range(3):
        for wrong, rule in ((nameless, "image-alt"), (pale, "color-contrast")):
            page.set_content(PAGE % tuple(wrong if at == place else fine for at in range(3)))
            looks = Looks(page, "[role=dialog]" if place == 2 else None)
            if rule == "color-contrast":
                page.add_style_tag(content="@media (prefers-color-scheme: light) { .pale { color: #111; } }")
                looks.at(1440, "light")
            with pytest.raises(AssertionError, match=rule):
                looks.at(1440, "dark")
    # Elements like which each was looked at before, and one that is new within them.
    page.set_content(PAGE % ("", "<button><b>a</b></button><p><a href=x>b</a></p>", ""))
    Looks(page).now()
    page.set_content(PAGE % ("", "<button><b><a href=x>b</a></b></button>", ""))
    with pytest.raises(AssertionError, match="nested-interactive"):
        Looks(page).now()
    page.close()


def test_a_table_in_which_a_column_has_no_room_is_noticed(browser: Browser) -> None:
    page = browser.new_page()
    resize(page, 1024)
    table = """<html lang=en><title>t</title><main><table><tr><td style="white-space: nowrap">%s</td>
      <td style="overflow-wrap: anywhere">%s</td></tr></table></main>"""
    for kept, words in (("x" * 20, "a few words of an error " * 4), ("x" * 118, "no room")):
        page.set_content(table % (kept, words))
        Looks(page).now()
    page.set_content(table % ("x" * 118, "connection refused " * 4))
    with pytest.raises(AssertionError, match="connection refused"):
        Looks(page).now()
    page.close()


def test_what_has_to_be_scrolled_sideways_is_noticed(browser: Browser) -> None:
    page = browser.new_page()
    resize(page, 390)
    place = """<html lang=en><title>t</title>
      <main><%s style="overflow: auto" tabindex=0><p style="width: %spx">wide</p>"""
    for kind, width in (("div", 300), ("pre", 1000)):
        page.set_content(place % (kind, width))
        Looks(page).now()
    page.set_content(place % ("div", 1000))
    with pytest.raises(AssertionError, match=r"scrolled.*wide"):
        Looks(page).now()
    page.close()


FROM_THE_TOP = "() => { document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus(); }"
# Of radio buttons of one name the chosen one is reached, and the arrows lead on.
CONTROLS = """() => {
  const all = "a[href], button, input, select, textarea, [tabindex='0']";
  window.left = new Set([...document.querySelectorAll(all)].filter((one) => {
    if (one.disabled || one.tabIndex < 0 || !one.checkVisibility({ visibilityProperty: true })) return false;
    if (one.type !== "radio") return true;
    return one.checked;
  }));
  window.left.delete(document.activeElement);
  return window.left.size;
}"""
REACHED = "() => { window.left.delete(document.activeElement); return window.left.size; }"
MISSED = "() => [...window.left].map((one) => one.outerHTML.slice(0, 200))"
