"""What only PostgreSQL has: a server that goes away, days, URLs, databases that are not as they should be."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from msgspec.structs import replace
from sqlalchemy import func, insert, select, text

from tests import postgresql
from tests.contract.test_store import fleet, frame_row
from veldnet.monitoring.retention import Retention, prune
from veldnet.store import (
    HEAD,
    BodyRow,
    HourlyRow,
    NewDeliveryRow,
    Rows,
    Statement,
    StateRow,
    StoreError,
    UnknownRevision,
    first_id_at,
)
from veldnet.store.alembic_chain import served_on
from veldnet.store.opening import postgres_database
from veldnet.store.postgres import PostgresStore
from veldnet.store.postgres.creating import BASE
from veldnet.store.postgres.days import day_of
from veldnet.store.schema import device_states, frame_bodies, frames, hourly_statistics, operators

DAY = 86_400_000


@pytest.fixture
def url() -> Iterator[str]:
    with postgresql.database() as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = PostgresStore(url)
    yield opened
    await opened.close()


async def count(store: PostgresStore) -> int:
    return await store.read(lambda c: c.execute(select(func.count()).select_from(frames)).scalar_one())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgres", "cannot be read"),
        ("mysql://u:secret@h/d", "begins with mysql://"),
        ("postgresql://u:secret@h", "names no database"),
        ("postgresql://u:secret@h/d?options=-cfsync=off", "has the option options"),
        ("postgresql://u:secret@h:port/d", "cannot be read"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as raised:
        postgres_database(url)
    assert "secret" not in str(raised.value) and "\n" not in str(raised.value)


def test_the_password_is_no_part_of_the_name() -> None:
    database = postgres_database("postgresql://u:secret@db.example.org:5433/lora?sslmode=require")
    assert database.name == "database lora of PostgreSQL at db.example.org:5433"
    with pytest.raises(StoreError) as raised:
        postgres_database("postgresql://u:secret@127.0.0.1:1/lora").exists()
    assert "refused" in str(raised.value) and "secret" not in str(raised.value)


def test_databases_that_are_not_what_they_should_be() -> None:
    with postgresql.database(empty=True) as url:
        name = url.partition("@/")[2].partition("?")[0]
        assert not postgres_database(url).exists()
        with pytest.raises(StoreError, match='"nobody" does not exist'):
            postgres_database(url.replace("veldnet@", "nobody@")).exists()
        with pytest.raises(StoreError, match='"absent" does not exist'):
            postgres_database(url.replace(name, "absent")).exists()
        postgresql.server().run("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
        with pytest.raises(StoreError, match="the user guest may not create tables"):
            postgres_database(url.replace("veldnet@", "guest@")).begin()
        postgresql.server().run("CREATE TABLE theirs (a int)", name)
        with pytest.raises(StoreError, match="tables of something else, theirs among them"):
            postgres_database(url).begin()
        postgresql.server().run("DROP TABLE theirs", name)
        postgresql.server().run("CREATE TABLE alembic_version (version_num text)", name)
        for revision in ("9999", "0001"):
            postgresql.server().run(
                f"DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('{revision}')", name
            )
            with pytest.raises(UnknownRevision, match=revision):
                postgres_database(url).begin()


def test_an_installation_exists_once_it_is_finished() -> None:
    with postgresql.database(empty=True) as url:
        database = postgres_database(url)
        for _attempt in range(2):
            begun = database.begin()
            with begun.engine.begin() as connection:  # type: ignore[attr-defined]
                connection.execute(text("INSERT INTO properties (name, value) VALUES ('vault_check', 'x')"))
            begun.dispose()
            assert not database.exists()
        database.finish()
        assert database.exists() and database.size() > 1_000_000


async def test_frames_find_their_days(store: PostgresStore) -> None:
    """Also those of other days than today, in one commit; a day is made ahead."""
    days = [3, 20_000, 20_001, 20_400]
    identifiers = [first_id_at(day * DAY + 5) for day in days]
    await store.commit(
        [
            (Statement.INSERT_FRAME, [frame_row(identifier) for identifier in identifiers]),
            (Statement.INSERT_BODY, [BodyRow(identifier, 0, b"b") for identifier in identifiers]),
        ]
    )
    tables = await store.read(
        lambda c: c.execute(text("SELECT inhrelid::regclass::text FROM pg_inherits")).scalars().all()
    )
    assert [day_of(identifier) for identifier in identifiers] == days
    assert {
        f"{kind}_{day + more}" for kind in ("frames", "frame_bodies") for day in days for more in (0, 1)
    } <= set(tables)
    assert await count(store) == 4
    # Days go whole, and only those that are over.
    kept = Retention(frames=10 * 86_400, bodies=5 * 86_400, statistics=1, alarms=1, audit=1)
    assert await prune(store, 20_012 * 86_400 + 50, kept) > 0
    left = select(frames.c.id).order_by(frames.c.id)
    assert await store.read(lambda c: c.execute(left).scalars().all()) == identifiers[3:]
    await store.commit([(Statement.INSERT_FRAME, [frame_row(first_id_at(20_400 * DAY + 9))])])
    assert await prune(store, 20_410 * 86_400 + 50, kept) > 0
    assert await count(store) == 2
    with pytest.raises(StoreError, match="no partition"):
        await store.commit([(Statement.INSERT_FRAME, [frame_row(first_id_at(20_000 * DAY))])])
    # Once it has failed the day is made again.
    await store.commit([(Statement.INSERT_FRAME, [frame_row(first_id_at(20_000 * DAY))])])


async def test_every_database_has_an_origin_of_its_own(url: str) -> None:
    with postgresql.database() as second:
        found = [PostgresStore(each) for each in (url, url, second)]
        first, again, other = (each.origin for each in found)
        for each in found:
            await each.close()
    assert first == again != other
    assert all(part.isdigit() for part in first.split("-"))


async def test_no_midnight_costs_a_commit(store: PostgresStore) -> None:
    """A table is made for the next day, and the statements that are prepared stay so."""
    for day in range(20_000, 20_005):
        identifier = first_id_at(day * DAY + 5)
        await store.commit(
            [
                (Statement.INSERT_FRAME, [frame_row(identifier)]),
                (Statement.INSERT_BODY, [BodyRow(identifier, 0, b"b")]),
            ]
        )
    assert await count(store) == 5


async def test_what_postgresql_does_not_store_does_not_stop_a_commit(store: PostgresStore) -> None:
    await store.commit([(Statement.INSERT_DELIVERY, [NewDeliveryRow(1, 1, 1, 1, "a\0b", 5, 0, None, b"\0")])])
    (found,) = await store.pending_deliveries(1, "a\0b", 10)
    assert found.queue == "a\N{REPLACEMENT CHARACTER}b" and found.message == b"\0"


async def test_a_commit_of_more_than_the_wire_holds(store: PostgresStore) -> None:
    first = first_id_at(20_000 * DAY)
    rows = [BodyRow(first + number, 0, bytes([number % 256]) * 2000) for number in range(8000)]
    bodies: list[Rows] = [(Statement.INSERT_BODY, rows[start : start + 20]) for start in range(0, 8000, 20)]
    await store.commit(bodies)
    size = select(func.count(), func.sum(func.length(frame_bodies.c.body)))
    found = await store.read(lambda c: c.execute(size).one())
    assert (found[0], int(found[1])) == (8000, 8000 * 2000)


async def test_a_connection_that_ends_in_the_middle_of_a_commit_is_replaced(
    store: PostgresStore, url: str
) -> None:
    first = first_id_at(20_000 * DAY)
    await store.commit([(Statement.INSERT_FRAME, [frame_row(first)])])
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other, other.transaction():
        await other.execute("LOCK TABLE frame_bodies")
        rows: list[Rows] = [
            (Statement.INSERT_FRAME, [frame_row(first + 1)]),
            (Statement.INSERT_BODY, [BodyRow(first + 1, 0, b"body")]),
        ]
        commit = asyncio.create_task(store.commit(rows))
        while not (found := await (await other.execute(waiting)).fetchall()):
            await asyncio.sleep(0.005)
        await other.execute("SELECT pg_terminate_backend(%s)", found[0])
        with pytest.raises(StoreError, match="terminating connection"):
            await commit
    assert await count(store) == 1
    await store.commit(rows)
    assert await count(store) == 2


async def test_two_writers_of_the_same_rows_never_stand_in_each_others_way(
    store: PostgresStore, url: str
) -> None:
    await fleet(store, 40)
    other = PostgresStore(url)
    rng = random.Random(4)

    async def write(writer: PostgresStore, value: int) -> None:
        for _round in range(15):
            refs = rng.sample(range(1, 41), 30)
            hours = rng.sample(range(20), 10)
            await writer.commit(
                [
                    (
                        Statement.UPDATE_STATE,
                        [StateRow(value, None, b"s", None, None, None, ref) for ref in refs],
                    ),
                    (Statement.ADD_HOURLY, [HourlyRow(1, 1, hour, uplinks=1) for hour in hours + hours[:2]]),
                ]
            )

    await asyncio.gather(write(store, 1), write(other, 2))
    await other.close()
    total = select(func.sum(hourly_statistics.c.uplinks))
    assert int(await store.read(lambda c: c.execute(total).scalar_one())) == 2 * 15 * 12
    written = select(func.count()).select_from(device_states).where(device_states.c.dev_addr.is_not(None))
    assert await store.read(lambda c: c.execute(written).scalar_one()) == 40


@pytest.mark.parametrize("safe", [True, False])
async def test_a_promoted_standby_is_written_if_it_has_everything(store: PostgresStore, safe: bool) -> None:
    first = first_id_at(20_000 * DAY)
    await store.commit([(Statement.INSERT_FRAME, [frame_row(first)])])
    # The same server goes on, on another history.
    store._found = replace(store._found, place="another/1/2", safe=safe)
    await asyncio.to_thread(store.dispose)
    again: list[Rows] = [(Statement.INSERT_FRAME, [frame_row(first + 1)])]
    if safe:
        await store.commit(again)
        assert store.problem is None and await count(store) == 2
        return
    for _try in range(2):
        with pytest.raises(StoreError, match="a standby was promoted"):
            await store.commit(again)
    assert store.problem is not None and await count(store) == 1


async def test_a_server_that_was_away_is_used_again() -> None:
    """A commit while it is away fails in words. Nothing has to be started again."""
    server = postgresql.server()
    with postgresql.database() as url:
        store = PostgresStore(url)
        await store.take_leases()
        await store.commit([(Statement.INSERT_FRAME, [frame_row(1)])])
        server.stop("fast")
        try:
            for attempt in (
                store.commit([(Statement.INSERT_FRAME, [frame_row(2)])]),
                store.read(lambda c: c.execute(select(frames.c.id)).all()),
                store.write(lambda c: c.execute(insert(operators).values(code="a", name="b"))),
            ):
                with pytest.raises(StoreError):
                    await attempt
        finally:
            server.start()
        assert await count(store) == 1
        await store.write(lambda c: c.execute(insert(operators).values(code="a", name="b")))
        await store.commit([(Statement.INSERT_FRAME, [frame_row(3)])])
        # And where nobody has noticed that it was away.
        server.stop("fast")
        server.start()
        await store.commit([(Statement.INSERT_FRAME, [frame_row(4)])])
        await store.write(lambda c: c.execute(insert(operators).values(code="c", name="d")))
        assert await count(store) == 3
        await store.close()


async def test_a_backup_put_back_is_another_place(url: str) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    copy = postgresql.server().create(name)
    first, second = PostgresStore(url), PostgresStore(postgresql.server().url(copy))
    assert first.place == PostgresStore(url).place != second.place
    assert first.identity != second.identity
    await first.close()
    await second.close()
    postgresql.server().drop(copy)


def _schema(url: str) -> set[tuple[object, ...]]:
    """Columns, indexes and triggers of a database."""
    store = PostgresStore(url, inline=True)
    with store.engine.connect() as connection:
        columns = connection.execute(
            text(
                "SELECT table_name, column_name, data_type, is_nullable, collation_name "
                "FROM information_schema.columns WHERE table_schema = 'public'"
            )
        )
        indexes = connection.execute(
            text("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        )
        triggers = connection.execute(text("SELECT tgname, tgtype FROM pg_trigger WHERE NOT tgisinternal"))
        found = {tuple(row) for rows in (columns, indexes, triggers) for row in rows}
    store.dispose()
    return found


def test_every_schema_of_postgresql_is_brought_to_todays(url: str) -> None:
    """The chain of migrations runs on PostgreSQL, too, from the first schema that there was of it."""
    with postgresql.database(empty=True) as old:
        postgresql.define_base(old.partition("@/")[2].partition("?")[0])
        store = PostgresStore(old, inline=True)
        assert store.revision() == BASE
        assert store.migrate() == (BASE != HEAD) and store.revision() == HEAD
        store.dispose()
        assert _schema(old) == _schema(url)


def test_tables_are_not_changed_under_nodes_of_another_version(url: str) -> None:
    store = PostgresStore(url, inline=True)
    # The newest whose programs do not go on with the tables of this version.
    before = f"{int(min(served_on() | {HEAD})) - 1:04}"
    added = (
        "INSERT INTO nodes (name, epoch, process, version, roles, addresses, joined_at, beat_at, expires_at) "
        "VALUES ('first', 1, 1, '0.0.9', 'network', '{}', 0, 0, "
        "extract(epoch FROM clock_timestamp()) * 1000 + 60000)"
    )
    with store.engine.begin() as connection:
        connection.execute(text(added))
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{before}'"))
    with pytest.raises(StoreError, match=r"nodes serve on them: first of version 0\.0\.9; stop these"):
        store.migrate()
    assert store.revision() == before
    store.dispose()
