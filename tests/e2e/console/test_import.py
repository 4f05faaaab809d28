"""The import of a file of devices."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.console.world import KEY, V1, World
from tests.e2e.desk import PICTURES, Desk
from tests.e2e.languages import LANGUAGES, Spoken
from tests.person import Person


@pytest.mark.parametrize("language", LANGUAGES, indirect=True)
def test_a_file_is_tried_imported_and_undone(
    language: Spoken, desk: Desk, user: Person, world: World, tmp_path: Path
) -> None:
    desk.go("/devices/import")
    choose = desk.page.locator("input[type=file]")
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\x00\xff\xfe" * 100)
    choose.set_input_files(picture)
    desk.told("is not text in UTF-8")
    # What is wrong with a file stays beside it.
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("Naam;DevEUI;Kleur\nPomp;0059AC00DE0000F1;rood\n")
    choose.set_input_files(wrong)
    expect(desk.page.get_by_role("alert")).to_have_count(0)
    desk.button("Check file")
    told = {"en": "column C: 'Kleur' is unknown", "nl": "kolom C: 'Kleur' is onbekend"}[language]
    expect(desk.page.get_by_role("main").get_by_role("alert")).to_contain_text(told)
    rest = f"0059AC0000000001,{KEY},{world.account.device_profile_id},{world.account.hsm_group_id}"
    rows = [f"Bulk {n},0059AC00DE{n:06X},{rest}" for n in range(1, 61)] + [f"Bad,nonsense,{rest}"]
    table = tmp_path / "fleet.csv"
    table.write_text("\n".join(["name,EUI,applicationEUI,applicationKey,deviceProfileId,hsmGroupId", *rows]))
    choose.set_input_files(table)
    desk.button("Check file")
    expect(desk.page.get_by_text("60 OK")).to_be_visible()
    expect(desk.page.get_by_text("1 failed")).to_be_visible()
    for width in (390, 1440):
        desk.fits(width)
    assert user.call("GET", f"{V1}/devices?search=Bulk")["total"] == 0
    desk.button("Import 61 rows")
    desk.told("60 rows imported, 1 failed")
    # Some failed: that is no success.
    expect(desk.page.get_by_role("alert").locator(".tabler-icon-alert-triangle").first).to_be_visible()
    assert user.call("GET", f"{V1}/devices?search=Bulk")["total"] == 60
    with desk.page.expect_download() as download:
        desk.button("Save refused rows")
    header, row = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert header.endswith(",hsmGroupId,reason") and row.startswith("Bad,nonsense,") and "[400]" in row
    # All of them, beyond the page that is shown.
    desk.go("/devices?search=Bulk")
    desk.page.get_by_role("checkbox", name="Select all").check()
    desk.button("Select all 60 devices that match")
    desk.button("Edit")
    dialog = desk.page.get_by_role("dialog", name="Edit 60 devices")
    dialog.get_by_role("combobox", name="Add tags").fill("fleet")
    desk.page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Save").click()
    expect(desk.page.get_by_role("dialog", name="60 devices updated")).to_be_visible()
    desk.page.keyboard.press("Escape")
    desk.page.get_by_role("combobox", name="Tag").click()
    desk.page.get_by_role("option", name="fleet").click()
    desk.page.wait_for_url(re.compile("tag=fleet"))
    expect(desk.page.get_by_text("60 devices", exact=True)).to_be_visible()
    if PICTURES:
        desk.page.screenshot(path=f"{PICTURES}/devices-tagged-1440-light.png")
    desk.go("/devices/import")
    desk.button("Undo")
    desk.page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    desk.told("Undone")
    assert user.call("GET", f"{V1}/devices?search=Bulk")["total"] == 0
