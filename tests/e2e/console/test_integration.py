"""Routing profiles, decoders, projects."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from tests.e2e.console.world import DECODER, World
from tests.e2e.desk import Desk
from tests.e2e.running import KPN
from tests.person import Person
from tests.rsa_keys import public_pem


def test_a_routing_profile_is_made_tried_and_gets_its_as_key(desk: Desk, user: Person, world: World) -> None:
    desk.go("/routing/new")
    desk.page.get_by_role("textbox", name="Name").fill("From the console")
    desk.page.get_by_role("combobox", name="Addresses").fill(world.receiver.url)
    desk.page.keyboard.press("Enter")
    desk.button("Save")
    desk.heading("From the console")
    desk.button("Send test")
    expect(desk.page.get_by_test_id("trial")).to_contain_text("HTTP 204")

    pem = desk.page.get_by_label("Your RSA public key (PEM)")
    pem.fill("ssh-rsa AAAA")
    expect(desk.page.get_by_text("Not a PEM public key")).to_be_visible()
    pem.fill(public_pem())
    desk.button("Generate")
    desk.page.get_by_role("dialog").get_by_role("button", name="Generate").click()
    assert len(desk.page.get_by_test_id("once").inner_text()) > 300
    desk.accessible()


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
    made = desk.page.get_by_role("row").filter(has_text="Integration")
    expect(made.get_by_text("not activated")).to_be_visible()
    assert secret not in desk.page.content()


def test_devices_are_moved_to_another_routing_profile_before_theirs_is_deleted(
    desk: Desk, user: Person, world: World
) -> None:
    """Why it is not deleted is said; its page leads to the devices, and all of them move at once."""
    page = desk.page
    old, new = (
        user.call(
            "POST", f"{KPN}/routingProfiles", {"name": name, "routes": [{"addresses": [world.receiver.url]}]}
        )
        for name in ("Retired", "Successor")
    )
    refs = [world.hsm, world.wrong]
    before = {ref: user.call("GET", f"{KPN}/devices/{ref}")["routingProfileId"] for ref in refs}
    for ref in refs:
        user.call("PUT", f"{KPN}/devices/{ref}", {"routingProfileId": old["id"]})
    desk.go(f"/routing/{old['ref']}")
    desk.heading("Retired")
    _delete_profile(desk, "Retired")
    desk.told("is used by 2 devices; give them another one first")
    page.get_by_role("link", name="Devices with this profile").click()
    desk.heading("Devices")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.get_by_role("checkbox", name="Select all on this page").check()
    desk.button("Edit")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Routing profile").click()
    page.get_by_role("option", name="Successor").click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog", name="2 devices updated")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("No matching devices")).to_be_visible()
    assert {user.call("GET", f"{KPN}/devices/{ref}")["routingProfileId"] for ref in refs} == {new["id"]}
    desk.go(f"/routing/{old['ref']}")
    desk.heading("Retired")
    _delete_profile(desk, "Retired")
    desk.told("Routing profile deleted")
    desk.heading("Routing profiles")
    assert "Retired" not in [each["name"] for each in user.call("GET", f"{KPN}/routingProfiles")]
    for ref, profile in before.items():
        user.call("PUT", f"{KPN}/devices/{ref}", {"routingProfileId": profile})
    user.call("DELETE", f"{KPN}/routingProfiles/{new['ref']}")


def _delete_profile(desk: Desk, name: str) -> None:
    desk.button("Delete")
    dialog = desk.page.get_by_role("dialog", name=f"Delete routing profile {name}?")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)
