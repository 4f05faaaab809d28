"""What every store must do, over SQLite and over PostgreSQL."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text, update

from tests import postgresql
from tests.schema_file import schema_of
from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import PlanSettings, ProfileSettings, decode_plan, decode_profile, encode
from veldnet.domain.locations import LocationState, NetworkLocation, encode_location
from veldnet.domain.thresholds import SilenceStep
from veldnet.lorawan import NetId
from veldnet.network.shell.session_addresses import SessionAddresses
from veldnet.store import (
    AttemptRow,
    BodyRow,
    DeliveredRow,
    DeliveryResultRow,
    EngineStore,
    FrameRow,
    IdSource,
    JoinMemoryRow,
    LeaseLost,
    NewDeliveryRow,
    SetAsideRow,
    SqliteStore,
    Statement,
    StateRow,
    StoreError,
    UnknownRevision,
    alembic_chain,
    first_id_at,
    migrate,
    migrating,
    millis_of,
    sqlite_engine,
)
from veldnet.store.alembic_chain import head_revision, upgrade
from veldnet.store.empty_file import SCHEMA, fill_empty
from veldnet.store.expressions import total
from veldnet.store.migrating import HEAD
from veldnet.store.schema import (
    connectivity_plans,
    deliveries,
    device_cells,
    device_counts,
    device_profiles,
    device_states,
    devices,
    frames,
    metadata,
    operators,
    subscribers,
)


def open_sqlite(directory: Path) -> SqliteStore:
    store = SqliteStore(directory / "test.db")
    migrate(store.engine, store.path)
    return store


ENGINES = ("sqlite", "postgresql")


@pytest.fixture(params=ENGINES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], EngineStore]]:
    """Opens one new database as often as it is called."""
    if request.param == "sqlite":
        yield lambda: open_sqlite(tmp_path)
    else:
        with postgresql.database() as url:
            yield lambda: postgresql.open_store(url)


@pytest.fixture
async def store(opener: Callable[[], EngineStore]) -> AsyncIterator[EngineStore]:
    opened = opener()
    yield opened
    await opened.close()


def frame_row(identifier: int, device_ref: int = 1) -> FrameRow:
    return FrameRow(identifier, device_ref, 0, "accepted", 1, 2, 3, -900, 50, 5, 1, 1, None, 0)


async def fleet(store: EngineStore, count: int) -> None:
    def write(connection):  # type: ignore[no-untyped-def]
        connection.execute(insert(operators).values(ref=1, code="ope", name="x"))
        connection.execute(
            insert(subscribers).values(ref=1, operator_ref=1, customer_id="100000001", name="x")
        )
        settings = {"operator_ref": 1, "name": "x", "settings": "{}"}
        connection.execute(
            insert(connectivity_plans).values(ref=1, id="a/b", communication_type="UNICAST", **settings)
        )
        connection.execute(insert(device_profiles).values(ref=1, id="p", type_mac="LoRaMAC", **settings))
        device = {
            "subscriber_ref": 1,
            "name": "x",
            "activation_type": "OTAA",
            "device_class": "A",
            "profile_ref": 1,
            "plan_ref": 1,
            "details": '{"dataflowTags":["t"]}',
            "created_at": 0,
            "updated_at": 0,
            "updated_by": "x",
        }
        if refs := range(1, count + 1):
            rows = [device | {"ref": ref, "dev_eui": f"{ref:016X}"} for ref in refs]
            connection.execute(insert(devices), rows)
            connection.execute(insert(device_states), [{"device_ref": ref} for ref in refs])

    await store.write(write)


@pytest.mark.parametrize("count", [1, 7, 8, 33, 128, 300])
async def test_batches_of_every_size_are_written_whole(store: EngineStore, count: int) -> None:
    await fleet(store, count)
    refs = range(1, count + 1)
    await store.commit(
        [
            (Statement.INSERT_FRAME, [frame_row(ref) for ref in refs]),
            (Statement.INSERT_BODY, [BodyRow(ref, 0, b"body") for ref in refs]),
            (
                Statement.UPDATE_STATE,
                [StateRow(ref + 1000, None, b"s%d" % ref, None, "A", b"w", ref) for ref in refs],
            ),
            (Statement.UPDATE_JOIN_MEMORY, [JoinMemoryRow(b"m", ref) for ref in refs]),
            (
                Statement.INSERT_DELIVERY,
                [NewDeliveryRow(ref, ref, ref, 1, "1:", 5, 0, None, b"m") for ref in refs],
            ),
        ]
    )
    assert len(await store.read(lambda c: c.execute(select(frames.c.id)).all())) == count
    rows = await store.devices_by_dev_addr([ref + 1000 for ref in refs][:400])
    assert {(row.ref, row.state) for row in rows} == {(ref, b"s%d" % ref) for ref in refs}
    assert rows[0].join_memory == b"m" and rows[0].tags == ("t",) and rows[0].customer_id == "100000001"
    half = count // 2
    await store.commit(
        [
            (Statement.DELETE_DELIVERY, [DeliveredRow(ref) for ref in refs[:half]]),
            (Statement.NOTE_ATTEMPT, [AttemptRow(2, "no", 7, 9, "http://a", ref) for ref in refs[half:]]),
            (
                Statement.SET_DELIVERY_ASIDE,
                [SetAsideRow("r", 3, "why", 8, "http://b", ref) for ref in refs[half:]],
            ),
            # What was set aside is not pending again because an attempt is noted late.
            (Statement.NOTE_ATTEMPT, [AttemptRow(4, "late", 10, 11, "http://a", ref) for ref in refs[half:]]),
            (Statement.INSERT_DELIVERY_RESULT, [DeliveryResultRow(1, ref, b"{}") for ref in refs]),
            (Statement.INSERT_DELIVERY_RESULT, [DeliveryResultRow(1, 1, b"again")]),
        ]
    )
    left = await store.read(
        lambda c: c.execute(
            select(
                deliveries.c.id,
                deliveries.c.state,
                deliveries.c.reason,
                deliveries.c.attempts,
                deliveries.c.last_error,
                deliveries.c.last_attempt_at,
                deliveries.c.next_attempt_at,
                deliveries.c.address,
            )
        ).all()
    )
    assert [tuple(row) for row in left] == [
        (ref, 1, "r", 3, "why", 8, None, "http://b") for ref in refs[half:]
    ]


async def test_a_batch_that_fails_leaves_nothing(store: EngineStore) -> None:
    await store.commit([(Statement.INSERT_FRAME, [frame_row(1)])])
    with pytest.raises(StoreError):
        await store.commit(
            [(Statement.INSERT_FRAME, [frame_row(2)]), (Statement.INSERT_FRAME, [frame_row(1)])]
        )
    assert [row.id for row in await store.read(lambda c: c.execute(select(frames.c.id)).all())] == [1]


async def test_a_change_that_raises_is_undone(store: EngineStore) -> None:
    def change(connection):  # type: ignore[no-untyped-def]
        connection.execute(insert(operators).values(code="a", name="b"))
        raise LookupError("no")

    with pytest.raises(LookupError):
        await store.write(change)
    assert await store.read(lambda c: c.execute(select(operators.c.ref)).all()) == []


async def test_a_paused_process_cannot_write_past_its_lease(
    store: EngineStore, opener: Callable[[], EngineStore]
) -> None:
    first = await store.take_leases("one")
    await store.commit([(Statement.INSERT_FRAME, [frame_row(1)])])
    other = opener()
    assert await other.take_leases("two") == first + 1
    with pytest.raises(LeaseLost):
        await store.commit([(Statement.INSERT_FRAME, [frame_row(2)])])
    await other.commit([(Statement.INSERT_FRAME, [frame_row(3)])])
    await other.close()
    assert [row.id for row in await store.read(lambda c: c.execute(select(frames.c.id)).all())] == [1, 3]


async def test_state_of_a_deleted_device_goes_nowhere(store: EngineStore) -> None:
    await fleet(store, 1)
    await store.write(lambda c: c.execute(text("DELETE FROM devices")))
    await store.commit([(Statement.UPDATE_STATE, [StateRow(5, None, b"s", None, None, None, 1)])])
    assert await store.devices_by_dev_addr([5]) == []


async def test_pending_sessions_are_found_by_their_address(store: EngineStore) -> None:
    await fleet(store, 2)
    await store.commit(
        [
            (
                Statement.UPDATE_STATE,
                [StateRow(5, 6, b"s", 1, "C", None, 1), StateRow(6, None, b"t", None, "A", None, 2)],
            )
        ]
    )
    assert {row.ref for row in await store.devices_by_dev_addr([6])} == {1, 2}
    addresses = SessionAddresses(NetId(0))
    await addresses.load_of(store, frozenset([6]))
    assert [address in addresses for address in (5, 6, 70)] == [False, True, False]
    await addresses.load(store)
    assert [address in addresses for address in (5, 6, 7)] == [True, True, False]
    assert [row.ref for row in await store.devices_by_dev_eui([f"{2:016X}", "unknown"])] == [2]
    assert [row.ref for row in await store.devices_by_ref([2, 9])] == [2]
    thresholds = '[{"level":"MAJOR","enabled":true,"durationOfInactivity":"2_HOURS"}]'
    details = f'{{"dataflowTags":["t"],"alarmThresholds":{thresholds}}}'
    place = encode_location(
        LocationState(NetworkLocation(1.5, 52, 5, 0, 9, 1, 0, 0, 1, 1, 3, 4), sides={7: 1})
    )
    await store.write(lambda c: c.execute(update(devices).values(details=details, latitude=52)))
    await store.write(lambda c: c.execute(update(device_states).values(network_location=place)))
    for row in await store.devices_by_ref([1, 2]):
        assert row.silence_steps == (SilenceStep(7200, 5),) and row.network_location is not None, row
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(row), type=DeviceRow) == row
    assert (
        await store.devices_with_unsolicited_downlinks(0, 10) == [1]
        and await store.devices_with_unsolicited_downlinks(1, 10) == []
    )


async def test_queues_are_listed_in_pages(store: EngineStore) -> None:
    rows = [NewDeliveryRow(n, n, n % 3, 1, f"{n % 2}:", 5, 0, None, b"m") for n in range(12)]
    await store.commit([(Statement.INSERT_DELIVERY, rows)])
    after, found = (-1, ""), list[tuple[int, str]]()
    while page := await store.pending_queues(after, 2):
        found += [(each.device_ref, each.queue) for each in page]
        after = found[-1]
    assert found == [(device, queue) for device in range(3) for queue in ("0:", "1:")]
    listed = await store.pending_deliveries(0, "0:", 10)
    assert [row.id for row in listed] == [0, 6]
    assert [row.id for row in await store.pending_deliveries(0, "0:", 10, 0)] == [6]
    assert await store.pending_deliveries(0, "0:", 10, 6) == []


def test_migrations_give_the_schema_and_keep_a_snapshot(tmp_path: Path) -> None:
    assert head_revision() == HEAD
    store = open_sqlite(tmp_path)
    assert not migrate(store.engine, store.path), "a second time there is nothing to do"
    inspector = inspect(store.engine)
    with store.engine.connect() as connection:
        # The inspector leaves out those of expressions.
        indexes = set(
            connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index'").scalars()
        )
    for table in metadata.sorted_tables:
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        assert columns == {column.name for column in table.columns}, table.name
        wanted = {index.name for index in table.indexes if index.info.get("engine", "sqlite") == "sqlite"}
        assert wanted <= indexes, table.name
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(UnknownRevision, match="0000"):
        migrate(store.engine, store.path)
    assert not (tmp_path / "test-0000.backup").exists()


def test_a_new_file_has_its_schema_at_once_and_what_is_in_a_file_stays(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "new.db")
    assert fill_empty(engine) == HEAD and fill_empty(engine) is None
    engine.dispose()
    assert schema_of(tmp_path / "new.db") == SCHEMA.read_text()


def test_where_the_schema_is_older_than_the_migrations_these_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded: list[Engine] = []
    monkeypatch.setattr(migrating, "fill_empty", lambda _engine: "0055")
    monkeypatch.setattr(alembic_chain, "upgrade", upgraded.append)
    store = SqliteStore(tmp_path / "test.db")
    assert migrate(store.engine, store.path) and upgraded == [store.engine]


def test_identifiers_rise_and_tell_their_time() -> None:
    ids = IdSource(process=3)
    given = [ids.next(now) for now in (1000.0, 1000.0, 999.0, 1000.5) for _ in range(20_000)]
    assert given == sorted(set(given))
    assert millis_of(given[0]) == 1_000_000 and first_id_at(1_000_000) <= given[0]


def test_a_database_of_0002_keeps_what_it_holds(tmp_path: Path) -> None:
    """Frames find their place beside their device, devices that have spoken are active, plans keep how often
    they ask for status."""
    store = SqliteStore(tmp_path / "old.db")
    upgrade(store.engine, "0002")
    with store.engine.begin() as connection:
        run = connection.exec_driver_sql
        run("INSERT INTO operators (ref, code, name) VALUES (1, 'ope', 'x')")
        run("INSERT INTO subscribers (ref, operator_ref, customer_id, name) VALUES (1, 1, '100000001', 'x')")
        run(
            "INSERT INTO connectivity_plans (ref, operator_ref, id, name, communication_type, settings) "
            "VALUES (1, 1, 'a/b', 'x', 'UNICAST', '{\"deviceStatusRequestsPerDay\": 4}')"
        )
        run(
            "INSERT INTO device_profiles (ref, operator_ref, id, name, type_mac, settings) "
            "VALUES (1, 1, 'p', 'x', 'LoRaWAN', '{}')"
        )
        run("INSERT INTO hsm_groups (ref, operator_ref, id, name) VALUES (1, 1, 'h', 'x')")
        for ref in (1, 2, 5000):
            run(
                "INSERT INTO devices (ref, subscriber_ref, dev_eui, name, activation_type, device_class, "
                "profile_ref, hsm_group_ref, sealed_app_key, details, created_at, updated_at, updated_by) "
                f"VALUES ({ref}, 1, '{ref:016X}', 'x', 'OTAA', 'A', 1, 1, x'', '{{}}', 0, 0, 'x')"
            )
            address = "NULL" if ref == 2 else str(ref)
            run(f"INSERT INTO device_states (device_ref, dev_addr) VALUES ({ref}, {address})")
        for identifier, ref in ((30, 1), (10, 5000), (20, 1)):
            run(
                "INSERT INTO frames (id, device_ref, kind, outcome, size, copies) "
                f"VALUES ({identifier}, {ref}, 0, 'accepted', 5, 1)"
            )
    assert migrate(store.engine, store.path)
    assert (tmp_path / "old-0002.backup").exists()
    assert schema_of(store.path) == SCHEMA.read_text(), "make schema"
    with store.engine.connect() as connection:
        found = connection.execute(select(frames.c.device_ref, frames.c.id, frames.c.flags)).all()
        assert [tuple(row) for row in found] == [(1, 20, 0), (1, 30, 0), (5000, 10, 0)]
        health = select(devices.c.ref, devices.c.health).order_by(devices.c.ref)
        assert [tuple(row) for row in connection.execute(health)] == [(1, 1), (2, 0), (5000, 1)]
        counts = select(device_counts).order_by(device_counts.c.block, device_counts.c.health)
        rows = [tuple(row) for row in connection.execute(counts)]
        assert rows == [(1, 0, 0, 0, 0, 1), (1, 0, 1, 0, 0, 1), (1, 1, 1, 0, 0, 1)]
        settings = connection.execute(select(connectivity_plans.c.settings)).scalar_one()
        assert decode_plan(settings).deviceStatusRequestFrequency == 4


@pytest.mark.parametrize(("kind", "decode"), [(PlanSettings, decode_plan), (ProfileSettings, decode_profile)])
def test_stored_settings_do_not_follow_the_defaults_of_the_code(
    kind: type[PlanSettings] | type[ProfileSettings], decode: Callable[[str], Any]
) -> None:
    stored = encode(kind())
    assert set(msgspec.json.decode(stored)) == set(kind.__struct_fields__), "a member is left out"
    # The same document in a version whose defaults are others.
    fields = [(field.name, field.type, "another default") for field in msgspec.structs.fields(kind)]
    later = msgspec.defstruct("Later", fields, forbid_unknown_fields=True)
    assert msgspec.structs.asdict(msgspec.json.decode(stored, type=later)) == msgspec.structs.asdict(
        decode(stored)
    )


def test_plans_and_profiles_of_0009_are_made_whole(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "old.db")
    upgrade(store.engine, "0009")
    with store.engine.begin() as connection:
        run = connection.exec_driver_sql
        run("INSERT INTO operators (ref, code, name) VALUES (1, 'ope', 'x')")
        for ref, settings in ((1, "{}"), (2, '{"uplinkRate":7,"commercialName":"Één"}')):
            run(
                "INSERT INTO connectivity_plans (ref, operator_ref, id, name, communication_type, settings) "
                f"VALUES ({ref}, 1, 'a/{ref}', 'x', 'UNICAST', '{settings}')"
            )
        run(
            "INSERT INTO device_profiles (ref, operator_ref, id, name, type_mac, settings) "
            "VALUES (1, 1, 'p', 'x', 'LoRaMAC', '{\"rx2DataRate\":3}')"
        )
    assert migrate(store.engine, store.path)
    with store.engine.connect() as connection:
        plans = connection.execute(select(connectivity_plans.c.settings).order_by(connectivity_plans.c.ref))
        first, second = plans.scalars()
        profile = connection.execute(select(device_profiles.c.settings)).scalar_one()
    assert {**msgspec.json.decode(first), "uplinkRate": 7, "commercialName": "Één"} == msgspec.json.decode(
        second
    )
    assert decode_plan(first) == PlanSettings() and decode_plan(second).commercialName == "Één"
    assert decode_profile(profile) == ProfileSettings(rx2DataRate=3)
    assert set(msgspec.json.decode(profile)) == set(ProfileSettings.__struct_fields__)


async def test_devices_are_counted_by_cells_of_the_map(store: EngineStore) -> None:
    """However devices come, move, fall ill and go, the cells hold what a count of the devices gives."""
    await fleet(store, 0)
    rng = random.Random(11)

    def live(connection: Connection) -> None:
        for ref in range(1, 60):
            values = {
                "latitude": rng.choice((None, rng.uniform(-89, 89))),
                "longitude": rng.uniform(-179, 179),
            }
            connection.execute(
                insert(devices).values(
                    ref=ref,
                    subscriber_ref=1,
                    dev_eui=f"{ref:016X}",
                    name="x",
                    activation_type="OTAA",
                    device_class="A",
                    profile_ref=1,
                    details="{}",
                    created_at=0,
                    updated_at=0,
                    updated_by="x",
                    **values,
                )
            )
        for ref in rng.sample(range(1, 60), 40):
            change = rng.choice(
                ({"health": rng.randrange(3)}, {"latitude": 52.001, "longitude": 5.0}, {"latitude": None})
            )
            connection.execute(update(devices).where(devices.c.ref == ref).values(**change))
        for ref in rng.sample(range(1, 60), 15):
            connection.execute(delete(devices).where(devices.c.ref == ref))

    await store.write(live)

    def look(connection: Connection) -> tuple[Counter[tuple[int, int, int]], dict[tuple[int, int, int], int]]:
        placed = connection.execute(
            select(devices.c.latitude, devices.c.longitude, devices.c.health).where(
                devices.c.latitude.is_not(None)
            )
        )
        of = (device_cells.c.row, device_cells.c.col, device_cells.c.health)
        number = total(device_cells.c.devices)
        counted = connection.execute(select(*of, number.label("devices")).group_by(*of).having(number != 0))
        return (
            Counter(
                (int((row.latitude + 90) * 100), int((row.longitude + 180) * 100), row.health)
                for row in placed
            ),
            {(row.row, row.col, row.health): row.devices for row in counted},
        )

    expected, found = await store.read(look)
    assert found == dict(expected) and found
