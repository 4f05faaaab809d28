"""Connections of every type and flows, made, tried, changed and removed in the console."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.desk import Desk
from tests.mosquitto import Broker, free_port
from tests.person import Person

V1 = "/api/v1"
# What a type must be given besides its name and address.
NEEDED = {"POSTGRESQL": {"User name": "veldnet"}}


def _broker(folder: Path) -> Broker:
    port = free_port()
    made = Broker(folder, f"log_dest none\nallow_anonymous true\nlistener {port} 127.0.0.1", port)
    made.start()
    return made


def test_a_connection_of_every_type(desk: Desk, user: Person) -> None:
    desk.go("/flows")
    page = desk.page
    kinds = user.call("GET", f"{V1}/connectionKinds")
    for kind in kinds:
        page.get_by_role("button", name="New connection", exact=True).first.click()
        form = page.get_by_role("dialog")
        form.get_by_role("textbox", name="Name", exact=True).fill(f"One of {kind['type']}")
        form.get_by_role("combobox", name="Type").click()
        page.get_by_role("option", name=kind["title"], exact=True).click()
        # With TLS all fields are shown.
        form.get_by_role("textbox", name="Address", exact=True).fill(kind["example"])
        for label, value in NEEDED.get(kind["type"], {}).items():
            form.get_by_role("textbox", name=label).fill(value)
        if kind["downlinks"]:
            form.get_by_role("checkbox", name="Take downlinks").check()
        desk.accessible_everywhere(f"connection-{kind['type']}")
        form.get_by_role("button", name="Create", exact=True).click()
        expect(form).to_have_count(0)
    made = user.call("GET", f"{V1}/connections")
    assert {each["type"] for each in made} == {kind["type"] for kind in kinds}
    takes = {kind["type"]: kind["downlinks"] for kind in kinds}
    assert {each["type"]: each.get("downlinks", False) for each in made} == takes
    desk.accessible_everywhere("connections")
    # The actions of a row stand in one line on a desk.
    desk.fits(1440)
    row = page.get_by_role("row").filter(has_text="One of MQTT")
    tops = {each.bounding_box()["y"] for each in row.get_by_role("button").all()}  # type: ignore[index]
    assert len(tops) == 1
    for each in made:
        user.call("DELETE", f"{V1}/connections/{each['ref']}")


def test_a_connection_is_tried_and_used_by_a_flow(desk: Desk, user: Person, tmp_path: Path) -> None:
    broker = _broker(tmp_path)
    address = f"mqtt://127.0.0.1:{broker.port}"
    ref = user.call("POST", f"{V1}/connections", {"name": "Here", "type": "MQTT", "address": address})["ref"]
    desk.go("/flows")
    page = desk.page
    # The row of a flow names its connection, too.
    row = page.get_by_role("table", name="Connections").get_by_role("row").filter(has_text="Here")
    row.get_by_role("button", name="Test").click()
    desk.button("Send test message")
    expect(page.get_by_test_id("trial")).to_contain_text("Delivered")
    broker.stop()
    desk.button("Send test message")
    expect(page.get_by_test_id("trial")).to_contain_text("Not delivered")
    desk.accessible_everywhere("trial")
    page.keyboard.press("Escape")
    expect(row).to_contain_text("Error")
    desk.accessible_everywhere("connection-error")

    desk.button("New flow")
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name", exact=True).fill("Everything")
    form.get_by_role("combobox", name="Connections").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_role("option", name="Here").click()
    page.keyboard.press("Tab")
    # What is wrong is said beside the form, which stays.
    transformation = form.get_by_role("textbox", name="Transformation")
    transformation.fill("nothing(@)")
    form.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="there is no function nothing").first).to_be_visible()
    transformation.fill("{eui: DevEUI_uplink.DevEUI}")
    desk.accessible_everywhere("flow")
    form.get_by_role("button", name="Create", exact=True).click()
    expect(form).to_have_count(0)
    (flow,) = user.call("GET", f"{V1}/flows")
    assert (flow["connectionRefs"], flow["transformation"]) == ([ref], "{eui: DevEUI_uplink.DevEUI}")

    row.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    page.keyboard.press("Escape")
    for kind, each in (("flows", flow["ref"]), ("connections", ref)):
        user.call("DELETE", f"{V1}/{kind}/{each}")
