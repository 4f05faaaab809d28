"""What operators do: offers, users, base stations."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.e2e import radio
from tests.e2e.console.world import World
from tests.e2e.desk import Desk
from tests.e2e.key_place import wait_for
from tests.e2e.languages import LANGUAGES, Spoken
from tests.e2e.running import RunningServer
from tests.person import Person


def test_the_operator_works_for_a_customer(operators: Desk) -> None:
    operators.go("/")
    operators.heading("Network")
    operators.move("/operator/plans")
    operators.button("New plan")
    dialog = operators.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="ID", exact=True).fill("console-cs/gold")
    dialog.get_by_role("textbox", name="Name", exact=True).fill("Gold")
    dialog.get_by_label("Search settings").fill("allowClassB")
    dialog.get_by_role("combobox", name="Class B permitted").click()
    operators.page.get_by_role("option", name="yes").click()
    dialog.get_by_role("button", name="Save").click()
    # Below its identifier; other tests may have made plans with the same settings.
    settings = operators.page.locator("xpath=//*[text()='console-cs/gold']/following::p[1]")
    expect(settings).to_have_text("Class B permitted: yes")
    operators.go("/operator/subscribers")
    operators.button("Open")
    operators.heading("Home")
    operators.page.get_by_role("navigation").get_by_role("link", name="Devices").click()
    expect(operators.page.get_by_role("link", name="Kitchen")).to_be_visible()
    operators.go("/operator")
    operators.heading("Network")


def test_the_audit_log_shows_changes_whole(operators: Desk, world: World) -> None:
    operators.go("/operator/audit")
    operators.heading("Audit log")
    operators.page.get_by_role("textbox", name="Search user, action or object").fill("device.created")
    made = operators.page.get_by_role("row").filter(has_text='EUI: "0059AC00DD000002"')
    # Behind others; no identifier is cut.
    expect(made).to_contain_text(f'hsmGroupId: "{world.account.hsm_group_id}"')
    expect(made).to_contain_text('applicationEUI: "0059AC0000000001"')


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
    row.get_by_role("button", name="Actions for").click()
    operators.page.get_by_role("menuitem", name="Make read-write").click()
    sure = operators.page.get_by_role("dialog", name="Make staff@example.com read-write?")
    expect(sure).to_contain_text("change everything")
    sure.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("read-only")


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
    # One that is still answered is waited for.
    operators.page.unroute_all(behavior="wait")


def test_a_base_station_that_has_just_connected_is_not_said_never_to_have_been(
    operators: Desk, operator: Person, server: RunningServer
) -> None:
    made = operator.call(
        "POST", "/api/v1/operator/baseStations", {"gatewayEUI": "0059ACFF0000C001", "name": "Just connected"}
    )
    operators.go(f"/operator/base-stations/{made['id']}")
    never = operators.page.get_by_text("It has not been connected yet.")
    expect(never).to_be_visible()
    radio.Antenna("0059ACFF0000C001").connect(server.udp)

    def seen() -> bool:
        stations = operator.call("GET", "/api/v1/operator/baseStations")
        return any(one["id"] == made["id"] and one["lastSeen"] for one in stations)

    wait_for(seen)
    operators.page.reload()
    expect(
        operators.page.get_by_text(re.compile("No measurements in the last 35 days|^Outages$"))
    ).to_be_visible()
    expect(never).to_have_count(0)


# The last of the file: what follows a walk in Dutch would be looked for in Dutch, too.
@pytest.mark.parametrize("language", LANGUAGES, indirect=True)
def test_a4_a_new_user_gets_no_right_that_nobody_chose(
    language: Spoken, operators: Desk, world: World
) -> None:
    name = f"chosen-{language}@example.com"
    operators.go("/operator/users")
    operators.button("New user")
    dialog = operators.page.get_by_role("dialog", name="New user")
    for kind in ("Subscriber user", "Operator staff"):
        expect(dialog.get_by_role("radio", name=kind)).not_to_be_checked()
    expect(dialog.get_by_role("combobox", name="Role")).to_have_value("read-only")
    dialog.get_by_label("User name").fill(name)
    dialog.get_by_role("textbox", name="Password").fill("chosen password")
    create = dialog.get_by_role("button", name="Create")
    expect(create).to_be_disabled()
    dialog.get_by_role("radio", name="Subscriber user").check()
    expect(create).to_be_disabled()
    operators.accessible()
    dialog.get_by_role("radio", name="Operator staff").check()
    create.click()
    sure = operators.page.get_by_role("dialog", name=f"Give {name} operator rights?")
    expect(sure).to_contain_text("of every subscriber")
    sure.get_by_role("button", name="Cancel").click()
    rows = operators.page.locator("tr", has_text=name)
    expect(rows).to_have_count(0)
    dialog.get_by_role("radio", name="Subscriber user").check()
    dialog.get_by_role("combobox", name="Subscriber").click()
    operators.page.get_by_role("option", name=re.compile("Sandbox customer 1")).click()
    create.click()
    expect(operators.page.get_by_role("table", name="Subscriber users").locator(rows)).to_contain_text(
        "read-only"
    )
    _change_a_user(operators, name)


def _change_a_user(operators: Desk, name: str) -> None:
    """Suspend the user, give it another name, make another one like it."""
    page = operators.page
    users = page.get_by_role("table", name="Subscriber users")

    def choose(item: str) -> Locator:
        users.get_by_role("button", name=f"Actions for {name}").click()
        page.get_by_role("menuitem", name=item).click()
        return page.get_by_role("dialog")

    asked = choose("Suspend")
    expect(asked).to_contain_text("is signed out at once and cannot sign in")
    asked.get_by_role("button", name="Suspend").click()
    expect(users.locator("tr", has_text=name)).to_contain_text("Suspended")
    names = choose("Rename")
    renamed = f"renamed-{name}"
    names.get_by_label("User name").fill(renamed)
    expect(names.get_by_label("E-mail address")).to_have_value(renamed)
    names.get_by_role("button", name="Save").click()
    name = renamed
    copy = choose("Copy")
    copy.get_by_label("User name").fill(f"copied-{name}")
    copy.get_by_role("textbox", name="Password").fill("copied password")
    copy.get_by_role("button", name="Create").click()
    copied = users.locator("tr", has_text=f"copied-{name}")
    expect(copied).to_contain_text("read-only")
    expect(copied).not_to_contain_text("Suspended")
    choose("Resume").get_by_role("button", name="Resume").click()
    expect(users.get_by_role("row").filter(has=page.get_by_text(name, exact=True))).not_to_contain_text(
        "Suspended"
    )
