"""The tables of PostgreSQL are upgraded while others write and read: nobody's work is ended by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from tests import postgresql
from veldnet.store import HEAD, StoreError
from veldnet.store.postgres import PostgresStore, creating
from veldnet.store.postgres.definitions import LOCKS

# The first tables that the chain alters on PostgreSQL, and one that it alters much later.
FIRST, LATE = "leases, devices", "tokens"


@pytest.fixture
def old() -> Iterator[str]:
    """A database with the oldest schema that there is of PostgreSQL."""
    with postgresql.database(empty=True) as url:
        postgresql.define_base(url.partition("@/")[2].partition("?")[0])
        yield url


@pytest.fixture
def other(old: str) -> Iterator[psycopg.Connection[Any]]:
    """Another process, which waits for locks as long as it takes and is never the victim of a deadlock."""
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute("SET deadlock_timeout = '1min'")
        yield connection


def upgrade(url: str) -> str | None:
    store = PostgresStore(url, inline=True)
    try:
        store.migrate()
        return store.revision()
    finally:
        store.dispose()


def until_somebody_waits(url: str) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    end = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(waiting).fetchone() == (0,):
            assert time.monotonic() < end, "the upgrade waits for nobody"
            time.sleep(0.01)


def test_an_upgrade_waits_for_the_commit_that_is_under_way(
    old: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once is enough where it waits before it has changed anything.
    monkeypatch.setattr(creating, "_ATTEMPTS", 1)
    monkeypatch.setattr(creating, "_LONGEST_WAIT", "30s")
    with ThreadPoolExecutor() as beside:
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock_shared(%s, 1)", (LOCKS,))
            other.execute(f"LOCK TABLE {LATE} IN ROW EXCLUSIVE MODE".encode())
            upgrading = beside.submit(upgrade, old)
            until_somebody_waits(old)
            other.execute(f"LOCK TABLE {FIRST} IN ROW EXCLUSIVE MODE".encode())
        assert upgrading.result() == HEAD


def test_an_upgrade_gives_way_to_who_reads_and_comes_back(old: str, other: psycopg.Connection[Any]) -> None:
    with ThreadPoolExecutor() as beside:
        with other.transaction():
            other.execute(f"LOCK TABLE {LATE} IN ACCESS SHARE MODE".encode())
            upgrading = beside.submit(upgrade, old)
            until_somebody_waits(old)
            other.execute(f"LOCK TABLE {FIRST} IN ACCESS SHARE MODE".encode())
        assert upgrading.result() == HEAD


def test_an_upgrade_that_finds_no_moment_says_why(
    old: str, other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "_ATTEMPTS", 2)
    monkeypatch.setattr(creating, "_LONGEST_WAIT", "50ms")
    monkeypatch.setattr(creating, "_PAUSE", 0)
    with other.transaction():
        other.execute(f"LOCK TABLE {LATE} IN ACCESS SHARE MODE".encode())
        with pytest.raises(StoreError, match=r"while others use them: look for a backup"):
            upgrade(old)
        # Nothing was changed, and nobody is held up.
        other.execute(f"LOCK TABLE {FIRST} IN ROW EXCLUSIVE MODE".encode())
    assert upgrade(old) == HEAD


async def test_a_query_that_a_deadlock_has_ended_is_asked_again(old: str) -> None:
    upgrade(old)
    store, asked = PostgresStore(old), []

    def query(connection: Connection) -> str:
        asked.append("once more")
        if len(asked) == 1:
            connection.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())

    assert await store.read(query) == HEAD and len(asked) == 2
    await store.close()
