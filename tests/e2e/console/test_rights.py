"""Signing in, and what readers and outsiders are shown."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.console.world import V1, World
from tests.e2e.desk import Desks
from tests.e2e.running import RunningServer, sandbox
from tests.e2e.screens import screens_of_one_thing
from tests.person import Person
from veldnet.simulator.customer import Account


def test_signing_in_and_out(desks: Desks, account: Account, user: Person) -> None:
    with desks.of(None) as desk:
        desk.go("/devices")
        desk.accessible()
        desk.page.get_by_label("User name").fill(account.thingpark_username)
        desk.page.locator("input[name=password]").fill("wrong password")
        desk.button("Sign in")
        desk.told("User name or password is wrong")
        desk.page.locator("input[name=password]").fill(account.thingpark_password)
        desk.page.keyboard.press("Enter")
        desk.heading("Devices")
        desk.page.reload()
        desk.heading("Devices")
        desk.page.get_by_role("button", name="Account").click()
        desk.page.get_by_role("menuitem", name="Nederlands").click()
        expect(desk.page.get_by_role("heading", name="Apparaten", level=1)).to_be_visible()
        desk.page.get_by_role("button", name="Account").click()
        desk.page.get_by_role("menuitem", name="Afmelden").click()
        expect(desk.page.get_by_role("button", name="Aanmelden")).to_be_visible()
    # The server keeps the choice.
    user.call("PUT", "/api/v1/session/language", {"language": "en"})


def test_who_may_only_look_is_shown_no_buttons(
    desks: Desks, server: RunningServer, operator: Person, world: World
) -> None:
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    new = {
        "username": "looker@example.com",
        "displayName": "Looker",
        "password": "only looking",
        "role": "ro",
    }
    operator.call("POST", f"{V1}/operator/users", new | {"customerId": customer})
    with desks.of(Person(server, new["username"], new["password"])) as desk:
        desk.go(f"/devices/{world.ref}?tab=network")
        desk.heading("Kitchen")
        for name in ("Save", "Actions", "New device"):
            expect(desk.page.get_by_role("button", name=name)).to_have_count(0)
        expect(desk.page.get_by_text("You have read-only access").first).to_be_visible()


def test_an_outsider_finds_nothing_by_guessing_addresses(
    desks: Desks, server: RunningServer, world: World
) -> None:
    """The pages of another customer's things, opened by their address."""
    account = sandbox(server.data)
    with desks.of(Person(server, account.thingpark_username, account.thingpark_password)) as desk:
        desk.go("/")
        for path, listed in (
            (f"/devices/{world.ref}", "/devices"),
            ("/devices/nonsense", "/devices"),
            ("/routing/1", "/routing"),
            ("/decoders/1", "/decoders"),
            *((path, listed) for path, listed in screens_of_one_thing() if not path.startswith("/operator")),
        ):
            desk.move(path)
            desk.heading("Not found")
            link = desk.page.locator("main").get_by_role("link", name="Open ")
            expect(link).to_have_attribute("href", f"/console{listed}")
        for path in (
            *(
                f"/devices/{world.ref}?tab={tab}"
                for tab in ("overview", "charts", "frames", "downlinks", "network")
            ),
            "/devices",
            "/logger?deviceEUI=0059AC00DD000001",
            "/alarms?acked=all",
            "/operator/subscribers",
        ):
            desk.move(path)
            shown = desk.page.inner_text("body")
            for secret in ("Kitchen", "Cellar", "0059AC00DD000002", "Receiver", "Thermometer"):
                assert secret not in shown, f"{path} shows {secret}"
