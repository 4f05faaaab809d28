"""A downlink, followed on the screen of its device."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e import radio
from tests.e2e.console.world import V1, World
from tests.e2e.desk import Desk
from tests.person import Person


def test_e2_one_list_follows_a_downlink_to_its_end(
    desk: Desk, user: Person, world: World, antenna: radio.Antenna
) -> None:
    user.call("DELETE", f"{V1}/devices/{world.ref}/downlinks")
    user.call(
        "POST", f"{V1}/devices/{world.ref}/downlinks", {"fPort": 9, "payload": "0102", "confirmed": True}
    )
    desk.go(f"/devices/{world.ref}?tab=downlinks")
    row = desk.page.get_by_role("row", name=re.compile("01 02"))
    expect(row).to_contain_text("Queued")
    while antenna.downlink(0.5) is not None:
        pass
    antenna.keep_alive()
    antenna.hear(world.device.uplink(2, bytes.fromhex("0834")))
    sent = antenna.downlink(3.0)
    assert sent is not None
    expect(row).to_contain_text("Sent")
    expect(row).to_contain_text("waiting for acknowledgement")
    for cell in ("FF000001", "RX1", "01 02"):
        expect(row.get_by_text(cell)).to_be_in_viewport()
    assert world.device.receive(sent) is not None
    antenna.hear(world.device.uplink(2, bytes.fromhex("0834")))
    expect(row).to_contain_text("Acknowledged")
    desk.accessible()
    user.call("POST", f"{V1}/devices/{world.ref}/downlinks", {"fPort": 9, "payload": "0304"})
    lost = desk.page.get_by_role("row", name=re.compile("03 04"))
    expect(lost).to_contain_text("Queued")
    while antenna.downlink(0.5) is not None:
        pass
    antenna.hear(world.device.uplink(2, bytes.fromhex("0834")))
    while antenna.downlink(2.0, error="COLLISION_PACKET") is not None:
        pass
    expect(lost).to_contain_text("Failed")
    expect(lost).to_contain_text("radio busy")
    expect(row).to_have_count(1)
    expect(lost).to_have_count(1)
