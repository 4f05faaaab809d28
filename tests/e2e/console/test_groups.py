"""A member of a multicast group, whose set-up message its owner copies."""

from __future__ import annotations

import random
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.customers import KPN
from tests.e2e.console.world import KEY, V1, World
from tests.e2e.desk import Desk
from tests.e2e.languages import LANGUAGES, Spoken
from tests.person import Person
from veldnet.lorawan import AesKey
from veldnet.simulator.update_client import UpdateClient

PLAN = "console-cs/groups"


@pytest.fixture(scope="module")
def group(user: Person, operator: Person) -> dict[str, Any]:
    rules = {"id": PLAN, "name": "Groups", "communicationType": "MULTICAST"}
    operator.call("POST", f"{V1}/operator/plans", rules)
    plans = operator.call("GET", f"{V1}/operator/plans")
    plan = next(each for each in plans if each["id"] == PLAN)
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    grant = {"customerId": customer, "granted": 1}
    operator.call("PUT", f"{V1}/operator/plans/{plan['ref']}/grants", grant)
    body = {"EUI": "0059AC00AF0000F1", "name": "Canal lights", "deviceClass": "C", "multicastKey": KEY}
    made: dict[str, Any] = user.call("POST", f"{V1}/multicastGroups", body | {"connectivityPlanId": PLAN})
    for eui, name in (("0059AC00AF0000A1", "Lamp 1"), ("0059AC00AF0000A2", "Lamp 2")):
        lamp = {
            "EUI": eui,
            "name": name,
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": "LORA/GenericC.1_ETSI_Rx2-SF9",
        }
        device = user.call("POST", f"{KPN}/devices", lamp, headers={"api-version": "v1.1.1"})
        user.call("POST", f"{V1}/multicastGroups/{made['ref']}/members", {"deviceEUIs": [eui]})
        if name == "Lamp 1":
            user.call("PUT", f"{V1}/devices/{device['ref']}/rootKeys", {"genAppKey": KEY})
    return made


# The last of the file: what follows a walk in Dutch would be looked for in Dutch, too.
@pytest.mark.parametrize("language", LANGUAGES, indirect=True)
def test_the_set_up_message_of_a_member_is_made_and_copied(
    language: Spoken, desk: Desk, world: World, group: dict[str, Any]
) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.go(f"/groups/{group['ref']}")
    row = desk.page.get_by_role("row", name="Lamp 1")
    row.get_by_role("button", name="Set-up message").click()
    dialog = desk.page.get_by_role("dialog", name="Set-up message")
    desk.accessible()
    dialog.get_by_role("combobox", name="Group number").click()
    desk.page.get_by_role("option", name="2").click()
    dialog.get_by_role("button", name="Make message").click()
    expect(dialog).to_contain_text(group["networkAddress"])
    desk.accessible_everywhere(f"set-up-{language}")
    dialog.get_by_role("button", name="Copy payload").click()
    payload = desk.page.evaluate("navigator.clipboard.readText()")
    lamp = UpdateClient(AesKey.parse(KEY), random.Random(1))
    (answer,) = lamp.take(200, bytes.fromhex(payload), 0.0)
    assert answer.payload == bytes((0x02, 2)) and str(lamp.groups[2].address) == group["networkAddress"]
    # What was made is of another number now.
    dialog.get_by_role("combobox", name="Group number").click()
    desk.page.get_by_role("option", name="1").click()
    expect(dialog).not_to_contain_text(group["networkAddress"])
    desk.page.keyboard.press("Escape")
    desk.page.get_by_role("row", name="Lamp 2").get_by_role("button", name="Set-up message").click()
    dialog.get_by_role("button", name="Make message").click()
    expect(dialog.get_by_role("alert")).to_contain_text(
        "it has no GenAppKey, which devices of LoRaWAN 1.0.x need; enter it with its root keys"
    )
    desk.accessible()
    assert desk.errors == []
