"""The partition of each device: filled by the migration, and what scans go by."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from tests import postgresql
from tests.contract.test_store import fleet
from veldnet.domain.partitions import partition_of_eui
from veldnet.lorawan import DevEui
from veldnet.store import CheckRow, EngineStore, NewDeliveryRow, SqliteStore, Statement, StateRow
from veldnet.store.schema import device_states, devices

MIGRATION = importlib.import_module("veldnet.store.migrations.versions.0041_nodes")


@pytest.fixture(params=("sqlite", "postgresql"))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EngineStore]:
    async with AsyncExitStack() as held:
        opened: EngineStore
        if request.param == "sqlite":
            opened = SqliteStore(tmp_path / "partitions.db")
            opened.migrate()
        else:
            opened = postgresql.open_store(held.enter_context(postgresql.database()))
        held.push_async_callback(opened.close)
        await fleet(opened, 3)
        yield opened


def _numbers(connection: Connection) -> dict[int, int]:
    return {row.ref: row.partition for row in connection.execute(select(devices.c.ref, devices.c.partition))}


async def test_the_migration_finds_the_partition_of_each_device(store: EngineStore) -> None:
    def personalise(connection: Connection) -> int:
        ref = connection.execute(select(func.min(devices.c.ref))).scalar_one()
        connection.execute(update(devices).values(partition=0))
        connection.execute(update(devices).where(devices.c.ref == ref).values(activation_type="ABP"))
        states = device_states.c
        connection.execute(update(device_states).where(states.device_ref == ref).values(dev_addr=0x0000007A))
        MIGRATION._find_partitions(connection)
        return int(ref)

    personalised = await store.write(personalise)
    found = await store.read(_numbers)
    rows = await store.read(lambda c: c.execute(select(devices.c.ref, devices.c.dev_eui)).all())
    expected = {row.ref: partition_of_eui(DevEui.parse(row.dev_eui)) for row in rows}
    assert found == expected | {personalised: 0x3A}


async def test_scans_are_of_some_partitions(store: EngineStore) -> None:
    refs = sorted(await store.read(_numbers))[:2]

    def part(connection: Connection) -> None:
        for number, ref in enumerate(refs):
            connection.execute(update(devices).where(devices.c.ref == ref).values(partition=7 + number))

    await store.write(part)
    await store.commit(
        [(Statement.UPDATE_STATE, [StateRow(None, None, b"", 1, None, None, r) for r in refs])]
    )
    await store.commit([(Statement.UPDATE_CHECK, [CheckRow(5, ref) for ref in refs])])
    gone = 1_000_000
    rows = [NewDeliveryRow(n, n, ref, 1, "1:", 5, 0, None, b"m") for n, ref in enumerate((*refs, gone), 1)]
    await store.commit([(Statement.INSERT_DELIVERY, rows)])

    assert await store.devices_with_unsolicited_downlinks(0, 10) == refs
    assert await store.devices_with_unsolicited_downlinks(0, 10, {7, 9}) == refs[:1]
    assert await store.devices_to_check(10, 10, {8}) == refs[1:]
    assert await store.devices_to_check(10, 10, ()) == []
    queues = await store.pending_queues((-1, ""), 10)
    assert [(each.device_ref, each.partition) for each in queues] == [(refs[0], 7), (refs[1], 8), (gone, 0)]
    assert [each.device_ref for each in await store.pending_queues((-1, ""), 10, {8})] == refs[1:]
    assert [each.device_ref for each in await store.pending_queues((-1, ""), 10, {0})] == [gone]
    assert {row.ref: row.partition for row in await store.devices_by_ref(refs)} == {refs[0]: 7, refs[1]: 8}
