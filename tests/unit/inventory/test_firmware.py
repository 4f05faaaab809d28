"""Firmware of base stations is stored as it comes."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from veldnet.domain.errors import BadRequest, NoSpace
from veldnet.inventory import accounts, base_stations
from veldnet.store import SqliteStore, migrate
from veldnet.store.schema import firmware, firmware_parts

_CHUNK = bytes(range(256)) * 300


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "firmware.db")
    migrate(opened.engine, opened.path)
    yield opened
    await opened.close()


async def chunks(number: int, *, breaks: bool = False) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield _CHUNK
    if breaks:
        raise ConnectionResetError("the client has gone")


async def left(store: SqliteStore) -> tuple[int, int]:
    """Files and parts that are stored."""

    def count(table: Any) -> Any:
        return select(func.count()).select_from(table)

    return await store.read(
        lambda c: (c.execute(count(firmware)).scalar_one(), c.execute(count(firmware_parts)).scalar_one())
    )


async def test_a_file_takes_no_memory_of_its_size(store: SqliteStore) -> None:
    operator = await store.write(lambda c: accounts.create_operator(c, "ope", "x"))
    tracemalloc.start()
    try:
        stored = await base_stations.store_firmware(store.write, operator, ("m", "1"), chunks(220), "me")
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 16 MB.
    assert stored.size == 220 * len(_CHUNK) and most < 6_000_000
    found = await store.write(lambda c: base_stations.complete(c, stored.ref))
    assert (found.size, found.digest) == (stored.size, hashlib.sha512(_CHUNK * 220).digest())
    hashed, number = hashlib.sha512(), 0
    while octets := await store.read(partial(base_stations.part, ref=stored.ref, number=number)):
        hashed.update(octets)
        number += 1
    assert hashed.digest() == found.digest


async def test_what_does_not_come_whole_leaves_nothing(store: SqliteStore) -> None:
    operator = await store.write(lambda c: accounts.create_operator(c, "ope", "x"))
    with pytest.raises(ConnectionResetError):
        await base_stations.store_firmware(store.write, operator, ("m", "1"), chunks(20, breaks=True), "me")
    with pytest.raises(BadRequest, match="empty"):
        await base_stations.store_firmware(store.write, operator, ("m", "1"), chunks(0), "me")
    assert await left(store) == (0, 0)


async def test_a_full_disk_refuses_a_file_and_keeps_what_there_was(store: SqliteStore) -> None:
    operator = await store.write(lambda c: accounts.create_operator(c, "ope", "x"))
    kept = await base_stations.store_firmware(store.write, operator, ("m", "1"), chunks(1), "me")

    def narrow(connection: Any) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 600}")

    await store.write(narrow)
    with pytest.raises(NoSpace, match="disk"):
        await base_stations.store_firmware(store.write, operator, ("m", "2"), chunks(220), "me")
    assert await left(store) == (1, 2) and kept.size == len(_CHUNK)
    # There is room again.
    assert await base_stations.store_firmware(store.write, operator, ("m", "2"), chunks(1), "me")
