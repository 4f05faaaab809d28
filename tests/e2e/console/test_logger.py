"""The wireless logger."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e import radio
from tests.e2e.console.world import World
from tests.e2e.desk import Desk


def test_the_logger_shows_frames_as_they_come_and_all_of_one(
    desk: Desk, world: World, antenna: radio.Antenna
) -> None:
    desk.go("/logger")
    expect(desk.page.get_by_test_id("live-state")).to_have_text("Live")
    rows = desk.page.locator(".logger-row[data-type=UPLINK_DATA]")
    expect(desk.page.locator(".logger-row[data-type=UPLINK_JOIN]").first).to_be_visible()
    before = rows.count()
    antenna.keep_alive()
    antenna.hear(world.device.uplink(2, bytes.fromhex("09C4")))
    expect(rows.filter(has_text="temperature 25")).to_be_visible()
    assert rows.count() == before + 1
    expect(rows.first.get_by_role("img", name="Uplink, delivered to all application servers")).to_be_visible()
    rows.first.get_by_role("button", name=re.compile("Details of Uplink: data, Kitchen")).focus()
    desk.page.keyboard.press("Enter")
    details = desk.page.get_by_test_id("frame-details")
    for text in ("UnconfirmedDataUp", "MHz · SF7BW125", "FF000001", "Ok", "09 C4", '"temperature": 25'):
        expect(details).to_contain_text(text)
    desk.accessible()
    desk.page.get_by_role("button", name="Show only Kitchen").first.click()
    expect(desk.page).to_have_url(re.compile("deviceEUI=0059AC00DD000001"))
    expect(desk.page.locator(".logger-row[data-type=UPLINK_JOIN]").filter(has_text="img")).to_have_count(0)
    desk.page.get_by_role("combobox", name="Packet types").click()
    desk.page.get_by_role("option", name="Uplink: join-request").click()
    expect(desk.page.locator(".logger-row[data-type]")).to_have_count(1)
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Export as CSV").click()
    assert Path(download.value.path()).read_text().startswith("Direction,Timestamp,")
    desk.button("Pause")
    expect(desk.page.get_by_test_id("live-state")).to_have_text("History")


def test_e2_nothing_lies_over_the_columns_of_frames(desk: Desk, world: World) -> None:
    desk.go(f"/devices/{world.ref}?tab=frames")
    refresh = desk.page.get_by_role("button", name="Refresh")
    heads = desk.page.locator(".logger-head > span")
    expect(heads.filter(has_text="RSSI dBm")).to_be_visible()
    over = desk.page.evaluate(
        """() => {
          const icon = document.querySelector('button[aria-label="Refresh"]').getBoundingClientRect();
          return [...document.querySelectorAll('.logger-head > span')].filter((head) => {
            const box = head.getBoundingClientRect();
            return head.innerText && box.left < icon.right && icon.left < box.right && box.top < icon.bottom;
          }).map((head) => head.innerText);
        }"""
    )
    assert over == []
    refresh.click()


def test_e7_filters_that_are_typed_together_count_together(desk: Desk) -> None:
    desk.go("/logger")
    for label in ("DevEUI", "DevAddr"):
        expect(desk.page.locator("label", has_text=re.compile(f"^{label}$"))).to_be_visible()
    desk.page.evaluate(
        """() => {
          const set = (label, text) => {
            const field = [...document.querySelectorAll('label')].find((one) => one.innerText === label);
            const input = document.getElementById(field.htmlFor);
            Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
            input.dispatchEvent(new Event('input', { bubbles: true }));
          };
          set('DevEUI', '0059AC*');
          set('DevAddr', '0*');
        }"""
    )
    desk.page.get_by_role("switch", name="Decode").click()
    desk.page.wait_for_url(re.compile("deviceEUI="))
    for part in ("deviceEUI=0059AC", "devAddr=0", "decode=off"):
        assert part in desk.page.url, desk.page.url
    desk.page.get_by_label("Base station").fill("FF")
    desk.page.get_by_label("AS ID").fill("x")
    desk.page.get_by_role("button", name="Clear", exact=True).last.click()
    desk.page.wait_for_url(lambda url: "deviceEUI" not in url)
    desk.page.wait_for_timeout(600)
    for part in ("baseStationId", "asId", "deviceEUI", "devAddr"):
        assert part not in desk.page.url, "what was cleared does not come back"
