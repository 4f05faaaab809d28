"""A PostgreSQL that is away, or whose disk is full, and the store that waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from tests import postgresql
from tests.contract.test_store import frame_row
from tests.postgresql import PostgresServer
from tests.small_disk import fill, make_room
from tests.switching_proxy import SwitchingProxy
from veldnet.store import BodyRow, NewNode, Rows, Statement, StoreError
from veldnet.store.postgres import PostgresStore
from veldnet.store.schema import frames


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    started = PostgresServer()
    yield started
    started.remove()


async def commit(store: PostgresStore, number: int, octets: int = 100) -> bool:
    """Whether a frame with a body was written."""
    rows: list[Rows] = [
        (Statement.INSERT_FRAME, [frame_row(number)]),
        (Statement.INSERT_BODY, [BodyRow(number, 0, bytes(range(200)) * (octets // 200 + 1))]),
    ]
    try:
        await store.commit(rows)
    except StoreError:
        return False
    return True


async def test_a_server_that_is_away_is_tried_by_one_for_all_and_used_soon_after_its_return(
    server: PostgresServer,
) -> None:
    proxy = SwitchingProxy(server.socket)
    name = server.create("veldnet_schema")
    store = PostgresStore(f"postgresql://veldnet@127.0.0.1:{proxy.port}/{name}?sslmode=disable")
    ended = asyncio.Event()
    failures = 0

    async def ask(one: int) -> None:
        """As a room of a server does, again as soon as there is an answer."""
        nonlocal failures
        number = one * 1_000_000
        while not ended.is_set():
            try:
                if one == 0:
                    await store.read(lambda c: c.execute(select(frames.c.id)).first())
                elif one == 1:
                    await store.write(lambda c: c.execute(text("SELECT 1")))
                elif not await commit(store, number := number + 1):
                    raise StoreError
            except StoreError:
                failures += 1
                await asyncio.sleep(0)

    assert await commit(store, 1)
    await asyncio.to_thread(server.stop)
    before = proxy.asked
    asking = [asyncio.create_task(ask(one)) for one in (0, 0, 0, 1, 2)]
    try:
        await asyncio.sleep(6)
        # One at a time, a second apart in the end, and those that were under way at first.
        assert failures > 10 and 4 < proxy.asked - before < 22
        await asyncio.to_thread(server.start)
        back = time.monotonic()
        while not await commit(store, 2):
            assert time.monotonic() - back < 3.0, "commits go on soon after its return"
    finally:
        ended.set()
        await asyncio.gather(*asking)
        await store.close()
        proxy.stop()


async def test_a_node_whose_sessions_ended_when_no_connection_was_left_goes_on_once_one_is() -> None:
    server = PostgresServer(max_connections="14")
    name = server.create("veldnet_schema")
    taken: list[psycopg.Connection[Any]] = []
    try:
        store = PostgresStore(server.url(name))
        await store.nodes.join(NewNode(name="a", version="1", roles=frozenset()), 3.0)
        assert await commit(store, 1)
        await store.read(lambda c: c.execute(select(frames.c.id)).all())
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            while True:
                taken.append(psycopg.connect(server.url("postgres"), autocommit=True))
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'veldnet'"
        assert taken[0].execute(end).fetchall()
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            while True:
                taken.append(psycopg.connect(server.url("postgres"), autocommit=True))
        for ask in (
            store.commit([(Statement.INSERT_FRAME, [frame_row(2)])]),
            store.nodes.beat(3.0),
            store.read(lambda c: c.execute(select(frames.c.id)).all()),
        ):
            with pytest.raises(StoreError, match="too many clients"):
                await ask
        for each in taken:
            each.close()
        back = time.monotonic()
        while not await commit(store, 2):
            assert time.monotonic() - back < 3.0, "commits go on soon"
        await store.nodes.beat(3.0)
        await store.close()
    finally:
        server.remove()


@pytest.fixture
async def on_a_small_disk() -> AsyncIterator[tuple[PostgresStore, Path]]:
    """A store whose tables are on a disk of their own, and that disk."""
    with postgresql.database_on_small_disk("veldnet_schema") as (url, disk):
        store = PostgresStore(url)
        yield store, disk
        await store.close()


async def test_a_full_disk_is_found_by_a_probe_though_leases_are_renewed(
    on_a_small_disk: tuple[PostgresStore, Path],
) -> None:
    store, disk = on_a_small_disk
    await store.nodes.join(NewNode(name="a", version="1", roles=frozenset()), 3.0)
    assert await commit(store, 1)
    await store.probe()
    fill(disk)
    number = 2
    while await commit(store, number, 20_000):
        number += 1
        fill(disk)
    for _time in range(3):
        await store.nodes.beat(3.0)
        with pytest.raises(StoreError, match="No space left"):
            await store.probe()
        fill(disk)
    make_room(disk)
    await store.probe()
    assert await commit(store, number, 20_000)
    left = text("SELECT count(*) FROM pg_class WHERE relname LIKE 'veldnet_probe%'")
    assert await store.read(lambda c: c.execute(left).scalar_one()) == 0, "nothing of a probe is left"
