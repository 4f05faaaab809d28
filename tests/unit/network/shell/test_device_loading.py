"""Devices are loaded whatever the store, a stored state or a callback does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from tests.unit.network.builders import row, runtime
from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import ProfileSettings
from veldnet.lorawan import NetId
from veldnet.network.shell.catalogue import Catalogue
from veldnet.network.shell.devices import DeviceTable
from veldnet.network.shell.options import ServerOptions
from veldnet.network.shell.session_addresses import SessionAddresses
from veldnet.store import Store, StoreError
from veldnet.supervision import Supervisor


class FailingStore:
    """Answers after so many failures."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.rows: list[DeviceRow] = []

    async def devices_by_dev_addr(self, _dev_addrs: Sequence[int]) -> list[DeviceRow]:
        if self.failures:
            raise self.failures.pop(0)
        return self.rows

    async def devices_by_ref(self, _refs: Sequence[int]) -> list[DeviceRow]:
        return await self.devices_by_dev_addr(())


def table_over(store: FailingStore, supervisor: Supervisor | None = None) -> DeviceTable:
    catalogue = Catalogue()
    catalogue.profiles[1] = ProfileSettings()
    return DeviceTable(
        runtime(lambda: 0.0, supervisor),
        cast("Store", store),
        catalogue,
        SessionAddresses(NetId(0)),
        ServerOptions(capacity=10),
        on_load=lambda _entry: None,
    )


async def settle(table: DeviceTable) -> None:
    while table.loading:
        await asyncio.gather(*table.loading, return_exceptions=True)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "failure", [StoreError("disk"), KeyError("a defect"), MemoryError(), asyncio.CancelledError()]
)
async def test_b2_after_a_failing_read_devices_are_loaded_as_before(failure: BaseException) -> None:
    supervisor = Supervisor(expected=(StoreError,))
    table = table_over(FailingStore(failure), supervisor)
    heard: list[tuple[int, bool]] = []
    table.request_address(1, lambda loaded: heard.append((1, loaded)))
    await settle(table)
    assert heard == [(1, False)] and table.on_address(1) is None
    table.request_address(1, lambda loaded: heard.append((1, loaded)))
    table.request_address(2, lambda loaded: heard.append((2, loaded)))
    await settle(table)
    assert heard == [(1, False), (1, True), (2, True)] and table.on_address(2) == []
    assert supervisor.failures["device loading"] == isinstance(failure, Exception)


async def test_b2_who_waits_for_a_device_hears_that_the_load_was_cancelled() -> None:
    table = table_over(FailingStore(asyncio.CancelledError()))
    with pytest.raises(StoreError):
        await asyncio.wait_for(table.get(ref=1), 1.0)
    assert await table.get(ref=1) is None


async def test_b2_a_callback_that_fails_keeps_no_other_from_being_called() -> None:
    supervisor = Supervisor()
    table = table_over(FailingStore(), supervisor)
    heard: list[int] = []

    def broken(_loaded: bool) -> None:
        raise RuntimeError("a defect")

    for address in range(3):
        table.request_address(address, broken)
        table.request_address(address, lambda _loaded, address=address: heard.append(address))  # type: ignore[misc]
    await settle(table)
    assert heard == [0, 1, 2] and supervisor.failures == {"received frames": 3}


async def test_b2_a_device_whose_stored_state_is_damaged_keeps_no_other_from_being_heard() -> None:
    store = FailingStore()
    damaged = row(state=b"\xff\x00damaged")
    without_profile = row(ref=3, dev_eui="0059AC0000170313", profile_ref=99)
    store.rows = [damaged, without_profile, row(ref=2, dev_eui="0059AC0000170312")]
    table = table_over(store)
    table.request_address(1)
    await settle(table)
    assert table.by_dev_eui("0059AC0000170312") is not None
    assert table.by_dev_eui("0059AC0000170311") is None
    # A join-request of it is refused instead of loading it again and again.
    assert table.is_unknown("0059AC0000170311") and table.is_unknown("0059AC0000170313")
