"""Devices for tests of the API."""

from __future__ import annotations

from typing import Any

from tests.customers import KPN
from tests.person import Person
from veldnet.simulator.customer import Account

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"


def operator_of(account: Account) -> str:
    return account.thingpark_username.replace("sandbox", "operator")


def body(account: Account, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "EUI": f"0059AC00CC{number:06X}",
        "name": f"Console {number}",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
        "hsmGroupId": account.hsm_group_id,
    } | changes


def create(person: Person, account: Account, number: int, *, plain: bool = False, **changes: Any) -> str:
    wanted = body(account, number, **changes)
    if plain:
        wanted.pop("hsmGroupId")
    headers = {"api-version": "v1.1.1"} if plain else {}
    return str(person.call("POST", f"{KPN}/devices", wanted, headers=headers)["ref"])
