"""Pages of devices: the same as slices of the whole list, wherever the devices stand."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, delete, insert, update

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.devices import PAGE, Filter, list_devices
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.monitoring import health
from veldnet.settings import Settings
from veldnet.store.schema import device_states, devices, subscribers

STATES = ("INIT", "ACTIVE", "RF_CNX_ERROR")


def fill(connection: Connection) -> None:
    """Devices in crowds and alone, some of another customer between them."""
    rng = random.Random(3)
    refs = sorted(
        {rng.randrange(1, 200) for _ in range(150)} | {rng.randrange(1, 60_000) for _ in range(900)}
    )
    other = {"ref": 99, "operator_ref": 1, "customer_id": "199999999", "name": "Other"}
    connection.execute(insert(subscribers).values(other))
    connection.execute(
        insert(devices),
        [
            {
                "ref": ref, "subscriber_ref": 1 if ref % 7 else 99, "dev_eui": f"{ref:016X}", "name": "",
                "activation_type": "OTAA", "device_class": "A", "profile_ref": 1, "hsm_group_ref": 1,
                "sealed_app_key": b"", "details": "{}", "created_at": 0, "updated_at": 0, "updated_by": "x",
                "health": ref % 3, "plan_ref": 1 if ref % 2 else None,
            }
            for ref in refs
        ],
    )  # fmt: skip
    connection.execute(insert(device_states), [{"device_ref": ref} for ref in refs])
    connection.execute(update(devices).where(devices.c.ref % 5 == 0).values(health=2))
    connection.execute(delete(devices).where(devices.c.ref % 11 == 0))


@pytest.mark.parametrize("wanted", [Filter(), *(Filter(health_state=s) for s in STATES),
                                    Filter(connectivity_plan_id="_NOCP")])  # fmt: skip
async def test_pages_are_slices(tmp_path: Path, wanted: Filter) -> None:
    opened = await DataDirectory.open(Settings(data=str(tmp_path)), create=True)
    await opened.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    await opened.store.write(fill)
    scope = await opened.store.read(lambda c: accounts.scope_of_user(c, 1))
    assert scope is not None

    def check(connection: Connection, scope: Scope = scope) -> None:
        whole = [str(device.ref) for device in list_devices(connection, scope, wanted)]
        assert len(whole) > PAGE and whole == sorted(whole, key=int)
        for index in range(1, len(whole) // PAGE + 3):
            page = msgspec.structs.replace(wanted, page_index=index)
            found = [str(device.ref) for device in list_devices(connection, scope, page)]
            assert found == whole[(index - 1) * PAGE : index * PAGE]
        if wanted.health_state is not None:
            assert health.counts(connection, 1)[STATES.index(wanted.health_state)] == len(whole)

    await opened.store.read(check)
    await opened.close()
