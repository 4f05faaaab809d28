"""What a device refers to comes with it when its frames have it read, over both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, update

from tests import postgresql
from tests.contract.test_store import ENGINES, fleet, open_sqlite
from veldnet.store import EngineStore
from veldnet.store.schema import as_transport_keys, device_states, devices, hsm_groups, routing_profiles


@pytest.fixture(params=ENGINES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EngineStore]:
    if request.param == "sqlite":
        opened: EngineStore = open_sqlite(tmp_path)
        yield opened
        await opened.close()
    else:
        with postgresql.database() as url:
            opened = postgresql.open_store(url)
            yield opened
            await opened.close()


# Devices by their group and routing profile: what is read of each are its vault and the AS key there.
REFERRED = {
    (None, None): ("", None),
    (None, 1): ("", b"first at home"),
    (None, 2): ("", b"second at home"),
    (1, 1): ("", b"first at home"),
    (2, 1): ("far", b"first far away"),
    (2, 2): ("far", None),
    (2, None): ("far", None),
}


async def test_each_device_comes_with_its_own_vault_and_the_key_there(store: EngineStore) -> None:
    await fleet(store, len(REFERRED))

    def refer(connection: Connection) -> None:
        for ref, vault in ((1, ""), (2, "far")):
            group = {"ref": ref, "operator_ref": 1, "id": f"g{ref}", "name": "x", "vault": vault}
            connection.execute(insert(hsm_groups).values(group))
            profile = {"ref": ref, "subscriber_ref": 1, "name": "x", "is_default": False, "is_dummy": False}
            connection.execute(insert(routing_profiles).values(profile))
        for profile_ref, vault, sealed in (
            (1, "", b"first at home"),
            (1, "far", b"first far away"),
            (2, "", b"second at home"),
        ):
            key = {"routing_profile_ref": profile_ref, "vault": vault, "sealed": sealed}
            connection.execute(insert(as_transport_keys).values(key))
        for ref, (group_ref, of_profile) in enumerate(REFERRED, 1):
            names = {"hsm_group_ref": group_ref, "routing_profile_ref": of_profile}
            connection.execute(update(devices).where(devices.c.ref == ref).values(names))
            addressed = update(device_states).where(device_states.c.device_ref == ref)
            connection.execute(addressed.values(dev_addr=ref + 1000))

    await store.write(refer)
    refs = range(1, len(REFERRED) + 1)
    for rows in (
        await store.devices_by_ref(refs),
        await store.devices_by_dev_addr([ref + 1000 for ref in refs]),
        await store.devices_by_dev_eui([f"{ref:016X}" for ref in refs]),
    ):
        found = {row.ref: (row.vault, row.sealed_as_transport_key) for row in rows}
        assert found == dict(enumerate(REFERRED.values(), 1))
        assert {row.customer_id for row in rows} == {"100000001"}
