"""What was filled in is not lost: by a link, by another's change, by the end of the session."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.console.world import KEY, V1, World
from tests.e2e.desk import Desk
from tests.e2e.running import KPN
from tests.person import Person
from veldnet.simulator.customer import Account


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
