"""What an operator offers, in the browser: plans are copied, changed, suspended and deleted with what hangs
on them; a subscriber is deleted; at three widths in both themes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.api.town import operator_of
from tests.e2e.desk import Desk, Desks
from tests.e2e.running import KPN, RunningServer
from tests.person import Person
from veldnet.simulator.customer import Account

# The tests of this file share a server.

V1 = "/api/v1"
KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
SCREENS = (
    ("/operator/plans", "Connectivity plans"),
    ("/operator/profiles", "Device profiles"),
    ("/operator/hsm-groups", "HSM groups"),
    ("/operator/subscribers", "Subscribers"),
    ("/operator/branding", "Branding"),
)


@pytest.fixture(scope="module")
def server(data: Any, account: Account) -> Any:
    logo = data.parent / "logo.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>')
    running = RunningServer(
        data,
        VELDNET_CONSOLE__RATE_LIMIT="0",
        VELDNET_CONSOLE__NAME="Polderlink",
        VELDNET_CONSOLE__COLOUR="#7a1f5c",
        VELDNET_CONSOLE__LOGO=str(logo),
    )
    yield running
    assert running.stop() == 0


def _act(page: Page, name: str, what: str) -> Any:
    """Chooses an action of something, and returns the dialog that it opens."""
    page.get_by_role("button", name=f"Actions for {name}", exact=True).click()
    page.get_by_role("menuitem", name=what).click()
    expect(page.get_by_role("menu")).to_have_count(0)
    return page.get_by_role("dialog")


def test_the_copy_of_a_plan_is_for_what_the_plan_is_for(
    desks: Desks, server: RunningServer, account: Account
) -> None:
    operator = Person(server, operator_of(account), account.thingpark_password)
    settings = {"id": "veld-cs/lamps", "name": "Lamps", "communicationType": "MULTICAST"}
    operator.call("POST", f"{V1}/operator/plans", settings)
    with desks.of(operator) as desk:
        desk.go("/operator/plans")
        dialog = _act(desk.page, "Lamps", "Copy")
        expect(dialog.get_by_role("combobox", name="Communication type")).to_have_value("Multicast")
        dialog.get_by_role("textbox", name="Name", exact=True).fill("More lamps")
        dialog.get_by_role("button", name="Save").click()
        expect(desk.page.get_by_role("button", name="Actions for More lamps")).to_be_visible()
    plans = {plan["name"]: plan for plan in operator.call("GET", f"{V1}/operator/plans")}
    assert plans["More lamps"]["communicationType"] == "MULTICAST"
    for name in ("Lamps", "More lamps"):
        operator.call("DELETE", f"{V1}/operator/plans/{plans[name]['ref']}")


def _grant(desk: Desk, plan: str) -> None:
    desk.button("Grant")
    dialog = desk.page.get_by_role("dialog", name=f"Grant {plan}")
    dialog.get_by_role("combobox", name="Subscriber").click()
    desk.page.get_by_role("option").first.click()
    dialog.get_by_role("button", name="Save").click()
    desk.told("Connections granted")


def test_what_an_operator_offers_is_copied_suspended_and_deleted(
    desks: Desks, server: RunningServer, account: Account
) -> None:
    user = Person(server, account.thingpark_username, account.thingpark_password)
    body = {
        "EUI": "0059AC00DD0000F1",
        "name": "Kitchen",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
        "hsmGroupId": account.hsm_group_id,
    }
    ref = user.call("POST", f"{KPN}/devices", body)["ref"]
    operator = Person(server, operator_of(account), account.thingpark_password)
    plan = operator.call("GET", f"{V1}/operator/plans")[0]
    with desks.of(operator) as desk:
        page = desk.page
        desk.go("/operator/plans")
        dialog = _act(page, plan["name"], "Copy")
        dialog.get_by_role("textbox", name="ID", exact=True).fill("veld-cs/copy")
        dialog.get_by_role("textbox", name="Name", exact=True).fill("Copied")
        dialog.get_by_label("Search settings").fill("Uplinks allowed")
        dialog.get_by_role("textbox", name="Uplinks allowed").fill("77")
        desk.accessible()
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Uplinks allowed: 77")).to_be_visible()
        dialog = _act(page, plan["name"], "Delete")
        expect(dialog.get_by_text("1 device", exact=True)).to_be_visible()
        expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
        expect(dialog.get_by_text("No other plan fits.")).to_be_visible()
        copied = next(one for one in operator.call("GET", f"{V1}/operator/plans") if one["name"] == "Copied")
        grant = {"customerId": plan["grants"][0]["customerId"], "granted": 5}
        operator.call("PUT", f"{V1}/operator/plans/{copied['ref']}/grants", grant)
        page.reload()
        dialog = _act(page, plan["name"], "Delete")
        dialog.get_by_role("combobox", name="Move 1 device to").click()
        page.get_by_role("option", name="Copied").click()
        dialog.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("button", name=f"Actions for {plan['name']}", exact=True)).to_have_count(0)
        assert user.call("GET", f"{V1}/devices/{ref}")["connectivityPlanId"] == "veld-cs/copy"
        dialog = _act(page, "Copied", "Suspend")
        desk.accessible()
        dialog.get_by_role("button", name="Suspend").click()
        expect(page.get_by_text("Suspended", exact=True)).to_be_visible()
        assert "suspended" in str(user.call("GET", f"{V1}/devices/{ref}/explanation"))
        desk.told("Copied suspended")
        _grant(desk, "Copied")
        desk.move("/operator/subscribers")
        desk.button("New subscriber")
        page.get_by_role("dialog").get_by_label("Name").fill("Short stay")
        page.get_by_role("dialog").get_by_label("Customer ID").fill("700000001")
        page.get_by_role("dialog").get_by_role("button", name="Create").click()
        dialog = _act(page, "Short stay", "Delete")
        expect(dialog.get_by_text("Nothing uses it.")).to_be_visible()
        dialog.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("Short stay", exact=True)).to_have_count(0)
        desk.told("Short stay deleted")


def test_the_console_has_the_operators_name_logo_and_colour(
    desks: Desks, server: RunningServer, account: Account
) -> None:
    with desks.of(None) as desk:
        page = desk.page
        desk.go("/")
        expect(page.get_by_role("heading", name="Polderlink", level=1)).to_be_visible()
        expect(page).to_have_title("Sign in – Polderlink")
        colour = "getComputedStyle(document.querySelector('button[type=submit]')).backgroundColor"
        assert page.evaluate(colour) == "rgb(122, 31, 92)"
        desk.accessible()
        desk.sign_in(account.thingpark_username, account.thingpark_password)
        expect(page.get_by_role("link", name="Polderlink")).to_be_visible()
        expect(page).to_have_title("Home – Polderlink")
        assert page.evaluate("document.querySelector('header img').naturalWidth") > 0
        desk.accessible()


def test_the_operators_screens_fit_every_width_in_both_themes(
    desks: Desks, server: RunningServer, account: Account
) -> None:
    with desks.of(Person(server, operator_of(account), account.thingpark_password)) as desk:
        desk.go("/operator")
        for path, heading in SCREENS:
            desk.move(path)
            desk.accessible_everywhere(path.replace("/", "-"), heading)
