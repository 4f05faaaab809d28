"""Servers that are killed, hang, or have another build, as the page shows them."""

from __future__ import annotations

import re
import signal

from playwright.sync_api import Browser, Route, expect

from tests.e2e import looks, radio
from tests.e2e.console.world import World
from tests.e2e.desk import Desk
from tests.e2e.running import RunningServer
from tests.person import Person


def test_a_lost_server_is_shown_and_recovered_from(
    browser: Browser,
    user: Person,
    world: World,
    server: RunningServer,
    antenna: radio.Antenna,
) -> None:
    """`kill -9` under a live logger: the page says so, and goes on by itself with all that came."""
    port = server.http.rpartition(":")[2]
    desk = Desk(browser, server, user)
    desk.go("/logger")
    expect(desk.page.get_by_test_id("live-state")).to_have_text("Live")
    server.kill()
    expect(desk.page.get_by_text("Server unreachable").first).to_be_visible()
    server.start(http=f"127.0.0.1:{port}")
    antenna.connect(server.udp)
    virtual = world.device
    antenna.hear(virtual.uplink(2, bytes.fromhex("0BB8")))
    expect(desk.page.get_by_test_id("live-state")).to_have_text("Live", timeout=40_000)
    expect(desk.page.locator(".logger-row").filter(has_text="temperature 30").first).to_be_visible()
    expect(desk.page.get_by_text("Server unreachable")).to_have_count(0)
    desk.context.close()


def test_e5_a_screen_that_cannot_be_loaded_says_so_in_the_page(desk: Desk) -> None:
    desk.page.route(re.compile("/assets/Plans-"), lambda route: route.abort())
    desk.go("/")
    desk.page.get_by_role("link", name="Connectivity plans").click()
    problem = desk.page.get_by_role("alert").filter(has_text="The server did not answer")
    expect(problem).to_be_visible()
    expect(desk.page.get_by_role("navigation", name="Menu")).to_be_visible()
    desk.accessible()
    desk.page.unroute(re.compile("/assets/Plans-"))
    problem.get_by_role("button", name="Try again").click()
    desk.heading("Connectivity plans")


def test_e5_a_page_that_the_server_has_a_newer_build_of_offers_to_reload(desk: Desk) -> None:
    """The answers name another build, and a screen's file is gone, as after an upgrade."""
    page = desk.page

    def newer(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers=answer.headers | {"console-build": "another"})

    page.route(re.compile("/assets/Plans-"), lambda route: route.fulfill(status=404, body="no such file"))
    desk.go("/devices/new")
    name = page.get_by_role("textbox", name="Name")
    name.fill("Half written")
    updated = page.get_by_role("status").filter(has_text="Veldnet has been updated.")
    expect(updated).to_be_hidden()
    page.route("**/healthz", newer)
    page.route("**/api/v1/**", newer)
    # It is told by whatever is asked next.
    page.get_by_role("textbox", name="DevEUI").fill("0059AC00DD0000B9")
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").get_by_role("combobox").fill("kitchen")
    expect(updated).to_be_visible()
    page.keyboard.press("Escape")
    desk.accessible_everywhere("updated")
    updated.get_by_role("button", name="Reload").click()
    question = page.get_by_role("dialog", name="Leave without saving?")
    question.get_by_role("button", name="Stay").click()
    expect(name).to_have_value("Half written")
    page.get_by_role("link", name="Connectivity plans").click()
    question.get_by_role("button", name="Leave").click()
    expect(updated).to_have_count(2)
    page.unroute_all()
    updated.last.get_by_role("button", name="Reload").click()
    desk.heading("Connectivity plans")
    expect(updated).to_have_count(0)


def test_e5_a_server_that_hangs_is_noticed(
    browser: Browser, server: RunningServer, user: Person, world: World
) -> None:
    """Stopped, not ended: connections are taken and never answered."""
    desk = Desk(browser, server, user, preloads=True)
    desk.go("/")
    # Every screen is there, so that it opens without the server.
    desk.page.evaluate(
        """() => new Promise((loaded) => new PerformanceObserver((marks) => {
        if (marks.getEntriesByName("screens-loaded").length) loaded();
        }).observe({ type: "mark", buffered: true }))"""
    )
    server.process.send_signal(signal.SIGSTOP)
    try:
        desk.page.get_by_role("link", name="Developers").click()
        desk.heading("Developers")
        expect(desk.page.get_by_role("progressbar", name="Loading")).to_be_visible()
        lost = desk.page.get_by_role("status").filter(has_text="Server unreachable")
        expect(lost).to_be_visible()
        desk.page.get_by_role("link", name="Decoders", exact=True).click()
        desk.heading("Decoders")
    finally:
        server.process.send_signal(signal.SIGCONT)
    expect(lost).to_be_hidden()
    expect(desk.page.get_by_role("link", name="Thermometer")).to_be_visible()
    assert desk.errors == [] and desk.elsewhere == []
    desk.context.close()


def test_e5_what_was_loaded_stays_while_the_server_is_away(desk: Desk, world: World) -> None:
    desk.go(f"/devices/{world.ref}?tab=network")
    name = desk.page.get_by_role("textbox", name="Name")
    name.fill("Half done")
    lost = desk.page.get_by_role("status").filter(has_text="Server unreachable")
    # The device is read again every ten seconds.
    with desk.page.expect_event("requestfailed", lambda request: "/thingpark/devices" in request.url):
        desk.context.set_offline(True)
        expect(lost).to_be_visible()
    expect(name).to_have_value("Half done")
    looks.resize(desk.page, 390)
    desk.page.get_by_text("nbTrans").scroll_into_view_if_needed()
    expect(name).not_to_be_in_viewport()
    expect(lost).to_be_in_viewport(ratio=1)
    desk.accessible()
    looks.resize(desk.page, 1440)
    desk.context.set_offline(False)
    expect(lost).to_be_hidden()
    expect(name).to_have_value("Half done")
    name.fill("Kitchen")
