"""Devices: found, made, filtered, edited; what a device shows."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.console.world import HOSTILE, V1, World
from tests.e2e.desk import Desk
from tests.e2e.running import KPN
from tests.person import Person


def test_home_leads_to_the_lists_behind_it(desk: Desk) -> None:
    desk.go("/")
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
    desk.go("/")
    desk.heading("Home")
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


def test_a_view_with_a_long_name_fits_a_phone(desk: Desk) -> None:
    desk.go("/devices?search=cell")
    for name in ("W" * 60, "__proto__"):
        desk.button("Views")
        desk.page.get_by_role("menuitem", name="Save this view").click()
        desk.page.get_by_role("dialog").get_by_label("Name").fill(name)
        desk.page.get_by_role("dialog").get_by_role("button", name="Save").click()
    desk.button("Views")
    expect(desk.page.get_by_role("menuitem", name="W" * 60, exact=True)).to_be_visible()
    desk.fits(390)
    desk.page.get_by_role("menuitem", name="__proto__", exact=True).click()
    expect(desk.page).to_have_url(re.compile("search=cell"))


def test_tags_of_a_device_are_changed_on_its_screen(desk: Desk, user: Person, world: World) -> None:
    """Renamed, that is; with names that hurt others."""
    user.call("PUT", f"{V1}/devices/{world.ref}", {"tags": ["old"]})
    desk.go(f"/devices/{world.ref}?tab=network")
    panel = desk.page.locator(".mantine-Card-root").filter(has=desk.page.get_by_role("heading", name="Tags"))
    box = panel.get_by_role("combobox", name="Tags")
    hostile = ["<b>new</b>", "__proto__", "W" * 50]
    for tag in hostile:
        box.fill(tag)
        desk.page.keyboard.press("Enter")
    desk.page.keyboard.press("Escape")
    panel.get_by_text("old", exact=True).locator("..").get_by_role("button", include_hidden=True).click()
    panel.get_by_role("button", name="Save").click()
    desk.told("Device saved")
    assert user.call("GET", f"{V1}/devices/{world.ref}")["tags"] == hostile
    desk.fits(390)
    desk.go("/devices")
    expect(desk.page.get_by_role("table").get_by_text("__proto__")).to_be_visible()
    desk.fits(1024)
    user.call("PUT", f"{V1}/devices/{world.ref}", {"tags": []})


def test_what_was_chosen_for_many_devices_stays_when_it_is_not_saved(desk: Desk) -> None:
    desk.go("/devices")
    desk.page.locator("tr[data-row]").first.get_by_role("checkbox").check()
    desk.button("Edit")
    dialog = desk.page.get_by_role("dialog", name="Edit 1 device")
    box = dialog.get_by_role("combobox", name="Add tags")
    box.fill("kept")
    desk.page.keyboard.press("Enter")
    desk.page.route("**/devices/bulk*", lambda route: route.abort())
    dialog.get_by_role("button", name="Save").click()
    expect(desk.page.get_by_role("alert").first).to_be_visible()
    expect(dialog.get_by_text("kept", exact=True)).to_be_visible()
    desk.page.unroute_all(behavior="wait")
    desk.complaints.clear()
    # Nor is it lost where the server has refused it for each device.
    box.fill("W" * 51)
    desk.page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Save").click()
    refused = dialog.get_by_role("status")
    expect(refused).to_contain_text("1 device could not be changed")
    expect(refused).to_contain_text(re.compile("[0-9A-F]{16}"))
    expect(dialog.get_by_text("kept", exact=True)).to_be_visible()


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


def test_e7_each_tab_has_its_screens_title(desk: Desk, world: World) -> None:
    desk.go("/alarms")
    for path, title in (
        ("/", "Home – Veldnet"),
        ("/devices", "Devices – Veldnet"),
        ("/logger", "Wireless logger – Veldnet"),
        (f"/devices/{world.ref}", "Kitchen – Veldnet"),
        (f"/devices/{world.ref}?tab=downlinks", "Downlinks · Kitchen – Veldnet"),
        ("/routing/1", "Receiver – Veldnet"),
        ("/account", "Account – Veldnet"),
    ):
        desk.move(path)
        expect(desk.page).to_have_title(title)


def test_alarms_of_a_device_are_acknowledged_without_scrolling_sideways(desk: Desk, world: World) -> None:
    desk.go(f"/devices/{world.wrong}?tab=alarms")
    row = desk.page.get_by_role("table", name="Alarms").get_by_role("row").nth(1)
    # Whether or not another test has acknowledged it.
    expect(row.get_by_role("cell").last).to_be_in_viewport(ratio=1)
