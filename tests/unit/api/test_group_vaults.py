"""The vault of an HSM group is remembered for new devices, and checked where it counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event, update

from tests.api.hosting import Client, HostedServer
from tests.installation import sandbox
from veldnet.store import EngineStore
from veldnet.store.schema import hsm_groups


class Registry:
    """Creates devices in the HSM group of a sandbox."""

    def __init__(self, data: Path) -> None:
        self.account = sandbox(data)
        self.server = HostedServer(data)
        self.client = Client(self.server, self.account)
        self.client.activate()
        self.store = self.server.platform.store
        self._numbers = itertools.count(1)

    def create(self, group: str | None = None) -> httpx.Response:
        body = {
            "EUI": f"70B3D57E000000{next(self._numbers):02X}",
            "applicationEUI": "70B3D57E00000000",
            "applicationKey": "000102030405060708090a0b0c0d0e0f",
            "deviceProfileId": self.account.device_profile_id,
            "connectivityPlanId": self.account.connectivity_plan_id,
            "hsmGroupId": group or self.account.hsm_group_id,
        }
        answer: httpx.Response = self.client.http.post("/data/lora/thingpark/devices", json=body)
        return answer

    def have_vault(self, vault: str) -> None:
        """As where the group was removed and another one made in its place."""
        self.server.run(self.store.write(lambda c: c.execute(update(hsm_groups).values(vault=vault)).close()))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    found = Registry(tmp_path / "data")
    yield found
    found.server.stop()


def test_no_key_is_kept_that_another_vault_has_sealed(registry: Registry) -> None:
    assert registry.create().status_code == 201
    registry.have_vault("elsewhere")
    refused = registry.create()
    assert refused.status_code == 500 and refused.json()["errorId"] == "LDM-500"
    registry.have_vault("")
    assert [registry.create().status_code for _ in range(2)] == [201, 201]


def test_an_unknown_group_is_refused_also_after_others(registry: Registry) -> None:
    for _ in range(2):
        refused = registry.create("HSM_NONE.1")
        assert (refused.status_code, "hsmGroupId HSM_NONE.1" in refused.json()["message"]) == (400, True)
        assert registry.create().status_code == 201


def test_the_next_device_of_a_group_reads_nothing_before_its_key_is_sealed(registry: Registry) -> None:
    registry.create()
    store = registry.store
    assert isinstance(store, EngineStore)
    transactions: list[str] = []
    event.listen(store.engine, "checkout", lambda *_: transactions.append("one"))
    assert registry.create().status_code == 201
    # The write, the changes that are taken up, and the devices among them.
    assert len(transactions) == 3
