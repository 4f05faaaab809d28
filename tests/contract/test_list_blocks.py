"""Pages far behind in a list are found by counted blocks, in both engines: whatever happens to devices and to
the blocks, all pages together are the list, each device once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, update

from tests import postgresql
from veldnet import store
from veldnet.domain.health import HEALTH, Standing
from veldnet.domain.scope import Scope
from veldnet.inventory.devices import MapCell, Order, Paging, Wanted, map_cells, search_devices
from veldnet.inventory.devices.by_standing import Sorting
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.monitoring.device_order import place_of
from veldnet.monitoring.observed import observed_at, standing, stored
from veldnet.store import (
    balance_lists,
    fold_device_counts,
    migrate,
    put_many,
    sqlite_engine,
    unbalanced_lists,
    write_property,
)
from veldnet.store.expressions import total
from veldnet.store.schema import (
    ORDERED_AT,
    alarms,
    connectivity_plans,
    device_areas,
    device_cells,
    device_list_counts,
    device_number_bounds,
    device_order,
    device_states,
    device_tags,
    device_text_bounds,
    devices,
)

MIGRATIONS = Path(store.__file__).parent / "migrations"
SCOPE = Scope(1, 1, "100000001", 1, "anna", "Anna")
HOUR = 3_600_000
SIZE = 3


@pytest.fixture(params=("sqlite", "postgresql"))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with ExitStack() as held:
        if request.param == "sqlite":
            opened = sqlite_engine(tmp_path / "lists.db", durable=False)
            migrate(opened, tmp_path / "lists.db")
        else:
            opened = postgresql.open_store(held.enter_context(postgresql.database())).engine
        held.callback(opened.dispose)
        with opened.begin() as connection:
            create_sandbox(connection, "", "unused", GatewayEui(1))
            write_property(connection, ORDERED_AT, "1")
        yield opened


def create(connection: Connection, refs: range, chance: random.Random) -> None:
    rows = [
        {
            "ref": ref, "subscriber_ref": 1, "dev_eui": f"{chance.getrandbits(48):010X}{ref:06X}",
            "name": chance.choice(("Pump", "Tank", "Élan", "")), "plan_ref": chance.choice((None, 1)),
            "activation_type": "OTAA", "device_class": "A", "profile_ref": 1, "hsm_group_ref": 1,
            "health": chance.randrange(3), "sealed_app_key": b"", "details": "{}", "created_at": 0,
            "updated_at": 0, "updated_by": "x", "latitude": 52.0 + ref % 3, "longitude": 5.0,
        }
        for ref in refs
    ]  # fmt: skip
    connection.execute(insert(devices), rows)
    connection.execute(insert(device_states), [{"device_ref": ref} for ref in refs])


def hear(connection: Connection, refs: list[int], chance: random.Random) -> None:
    rows = []
    for ref in refs:
        at = Standing(chance.randrange(3) * HOUR + chance.randrange(100), chance.randrange(4) / 300)
        hour, percent = place_of(at)
        rows.append({"device_ref": ref, "subscriber_ref": 1, "heard_hour": hour, "lost_percent": percent})
        state = update(device_states).where(device_states.c.device_ref == ref)
        connection.execute(state.values(monitoring=stored(at)))
    put_many(connection, device_order, rows)


def change(connection: Connection, chance: random.Random) -> None:
    """Rename, move, lose, plan and delete some."""
    refs = list(connection.execute(select(devices.c.ref)).scalars())
    row = update(devices)
    for ref in chance.sample(refs, 10):
        connection.execute(row.where(devices.c.ref == ref).values(name=chance.choice(("Pump", "Zoo", "A"))))
    some = chance.sample(refs, 12)
    connection.execute(row.where(devices.c.ref.in_(some)).values(health=chance.randrange(3)))
    connection.execute(row.where(devices.c.ref.in_(some[3:6])).values(plan_ref=None, latitude=10.0))
    connection.execute(row.where(devices.c.ref.in_(some[6:8])).values(latitude=None))
    connection.execute(row.where(devices.c.ref == some[8]).values(dev_eui=f"{some[8]:016X}"))
    connection.execute(delete(devices).where(devices.c.ref.in_(chance.sample(refs, 7))))
    connection.execute(delete(device_order).where(device_order.c.device_ref.in_(chance.sample(refs, 3))))
    hear(connection, list(connection.execute(select(devices.c.ref)).scalars())[::3], chance)


def alarm(connection: Connection, chance: random.Random) -> None:
    """Raise alarms, change and acknowledge some, and delete others."""
    raised = [
        {
            "device_ref": chance.randrange(-3, 30), "subscriber_ref": 1, "type": 1 + number, "object": "",
            "state": chance.randrange(1, 7), "occurrence": 1, "acked": number % 4 == 0, "created_at": 0,
            "updated_at": 0,
        }
        for number in range(60)
    ]  # fmt: skip
    connection.execute(insert(alarms), raised)
    row = update(alarms)
    for state in range(1, 7):
        connection.execute(row.where(alarms.c.type % 7 == state).values(state=state))
    connection.execute(row.where(alarms.c.type % 5 == 1).values(acked=True))
    connection.execute(row.where(alarms.c.type % 9 == 1).values(acked=False))
    connection.execute(delete(alarms).where(alarms.c.type % 6 == 1))


def worst_alarms(connection: Connection) -> dict[int, int]:
    """The worst of each device's alarms that nobody has acknowledged."""
    worst = func.max(alarms.c.state).label("worst")
    own = select(alarms.c.device_ref, worst).where(alarms.c.acked.is_(False), alarms.c.device_ref > 0)
    return {row.device_ref: row.worst for row in connection.execute(own.group_by(alarms.c.device_ref))}


def pages(connection: Connection, wanted: Wanted, order: Any, size: int = 9) -> list[int]:
    found: list[int] = []
    for number in range(1, 100):
        paging = Paging(order, number, size)
        page = search_devices(connection, SCOPE, wanted, paging, observed_at(0), standing)
        found += [int(str(device.ref)) for device in page.devices]
        if len(page.devices) < size:
            # Nothing stands behind the end.
            behind = Paging(order, number + 1, size)
            assert not search_devices(connection, SCOPE, wanted, behind, observed_at(0), standing).devices
            break
    return found


def check(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = connection.execute(
        select(devices.c.ref, devices.c.name, devices.c.dev_eui, devices.c.health)
    ).all()
    keys: dict[str, Callable[[Any], Any]] = {
        "created": lambda row: row.ref,
        "name": lambda row: (row.name, row.dev_eui),
        "deviceEUI": lambda row: row.dev_eui,
    }
    for health in (None, "ACTIVE"):
        some = [row for row in rows if health is None or HEALTH[row.health] == health]
        for order, key in keys.items():
            ordered = [row.ref for row in sorted(some, key=key)]
            assert pages(connection, Wanted(health=health), order) == ordered
            assert pages(connection, Wanted(health=health), f"-{order}") == ordered[::-1]
    monkeypatch.setattr(Sorting, "exact", 0, raising=False)
    placed = connection.execute(
        select(device_order.c.device_ref, device_states.c.monitoring).join_from(
            device_order, device_states, device_states.c.device_ref == device_order.c.device_ref
        )
    ).all()
    never = sorted({row.ref for row in rows} - {row.device_ref for row in placed})
    assert never and placed
    for order, field in (("lastUplink", "last_uplink_at"), ("meanPER", "mean_per")):
        keyed = {row.device_ref: getattr(standing(row.monitoring), field) for row in placed}
        ordered = sorted(keyed, key=lambda ref: (keyed[ref], ref))
        assert pages(connection, Wanted(), order) == ordered + never
        assert pages(connection, Wanted(), f"-{order}") == ordered[::-1] + never


def blocks(connection: Connection) -> int:
    bounds = (device_text_bounds, device_number_bounds)
    return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in bounds)


def balance(connection: Connection) -> None:
    while unbalanced_lists(connection, SIZE):
        balance_lists(connection, SIZE)


def sums(connection: Connection, *tables: Table) -> list[str]:
    """What tables count, each row as text."""
    found = []
    for table in tables:
        key = [column for column in table.primary_key.columns if column.name != "part"]
        number = total(table.c.devices)
        rows = connection.execute(select(*key, number).group_by(*key).having(number != 0))
        found += sorted(f"{table.name} {list(row)}" for row in rows)
    return found


def counted(connection: Connection) -> list[str]:
    return sums(connection, device_list_counts)


def test_all_pages_together_are_the_list(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veldnet.inventory.devices.blocks._NEAR", -1)
    chance = random.Random(3)
    with engine.begin() as connection:
        create(connection, range(1, 45), chance)
        hear(connection, list(range(1, 36)), chance)
        assert blocks(connection) == 0
    for _round in range(2):
        with engine.begin() as connection:
            balance(connection)
            assert blocks(connection) > 20
            change(connection, chance)
            check(connection, monkeypatch)
            fold_device_counts(connection)
    with engine.begin() as connection:
        connection.execute(delete(devices).where(devices.c.ref > 8))
        many = blocks(connection)
        balance(connection)
        assert blocks(connection) < many / 2
        connection.execute(delete(devices))
        assert counted(connection) == []
        balance(connection)
        assert blocks(connection) == 0


def cells(connection: Connection) -> list[str]:
    return sums(connection, device_cells, device_areas)


def test_devices_that_are_there_are_counted_as_new_ones_are(engine: Engine) -> None:
    """The upgrade counts what is there."""
    chance = random.Random(5)
    with engine.begin() as connection:
        create(connection, range(1, 30), chance)
        hear(connection, [3, 4, 5, 9], chance)
        change(connection, chance)
        alarm(connection, chance)
        by_triggers = counted(connection), cells(connection)
        assert by_triggers[0] and by_triggers[1]
        migration = ScriptDirectory(str(MIGRATIONS)).get_revision("0064").module
        for statement in drops(connection):
            connection.exec_driver_sql(statement)
        with Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()
        assert (counted(connection), cells(connection)) == by_triggers
        # The triggers that it leaves behind go on counting.
        change(connection, chance)
        connection.execute(update(alarms).values(acked=True))
        assert not connection.execute(select(devices.c.ref).where(devices.c.alarm > 0)).all()
        connection.execute(delete(devices))
        assert (counted(connection), cells(connection)) == ([], [])


def drops(connection: Connection) -> list[str]:
    """What takes away what the upgrade makes, and makes what it takes away."""
    found = [
        "DROP INDEX ix_devices_subscriber_ref_alarm_ref",
        "CREATE INDEX ix_alarms_unacknowledged_state ON alarms (subscriber_ref, state, device_ref)",
    ]
    if connection.dialect.name == "sqlite":
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
        gone = [name for name in names if name.startswith(("devices_", "alarms_"))]
        none = "AFTER INSERT ON devices WHEN false BEGIN SELECT 1; END"
        before = [name for name in gone if name.startswith("devices_")]
        found += [f"DROP TRIGGER {name}" for name in gone]
        found.append("ALTER TABLE devices DROP COLUMN alarm")
        return found + [f"CREATE TRIGGER {name} {none}" for name in before]
    alike = [f"DROP TRIGGER alarms_worst_on_{each} ON alarms" for each in ("insert", "update", "delete")]
    return [*found, *alike, "ALTER TABLE devices DROP COLUMN alarm"]


def test_the_map_by_plan_counts_what_the_map_of_all_does(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veldnet.inventory.devices.map._FEW", -1)
    box = (-90.0, -180.0, 90.0, 180.0)

    def look(wanted: Wanted, size: float = 1.0) -> list[MapCell]:
        with engine.begin() as connection:
            return map_cells(connection, SCOPE, wanted, box, size)

    with engine.begin() as connection:
        create(connection, range(1, 40), random.Random(7))
        ids = connection.execute(select(connectivity_plans.c.id).order_by(connectivity_plans.c.ref)).scalars()
        plan = next(iter(ids))
        chosen = (devices.c.plan_ref == 1) & (devices.c.health == 1)
        places = connection.execute(select(devices.c.latitude).where(chosen)).scalars()
        expected = Counter(int(latitude) for latitude in places)
    for size in (1.0, 0.1):
        found = look(Wanted(health="ACTIVE", plan_id=plan), size)
        assert {int(cell.latitude): cell.devices for cell in found} == expected
    assert look(Wanted(plan_id="nobody's")) == []
    assert sum(cell.devices for cell in look(Wanted())) == 39
    with engine.begin() as connection:
        connection.execute(update(devices).values(plan_ref=1))
    assert sum(cell.devices for cell in look(Wanted(plan_id=plan))) == 39


def test_a_tag_has_its_devices_in_every_order_whatever_they_are_named(engine: Engine) -> None:
    with engine.begin() as connection:
        create(connection, range(1, 30), random.Random(11))
        marked = [{"subscriber_ref": 1, "tag": "m", "device_ref": ref} for ref in range(1, 30, 2)]
        connection.execute(insert(device_tags), marked)
        for ref in (3, 4, 5):
            connection.execute(update(devices).where(devices.c.ref == ref).values(name=f"Z {9 - ref}"))
        connection.execute(update(devices).where(devices.c.ref == 7).values(dev_eui="0" * 16))
        connection.execute(delete(devices).where(devices.c.ref == 9))
        orders: dict[Order, list[Any]] = {
            "created": [devices.c.ref],
            "-created": [devices.c.ref.desc()],
            "name": [devices.c.name, devices.c.dev_eui],
            "-name": [devices.c.name.desc(), devices.c.dev_eui.desc()],
            "deviceEUI": [devices.c.dev_eui],
            "-deviceEUI": [devices.c.dev_eui.desc()],
        }
        for order, by in orders.items():
            own = select(devices.c.ref).where(devices.c.ref.in_(select(device_tags.c.device_ref)))
            expected = [str(ref) for ref in connection.execute(own.order_by(*by)).scalars()]
            paging = Paging(order, 1, 50)
            page = search_devices(connection, SCOPE, Wanted(tag="m"), paging, observed_at(0), standing)
            assert [each.ref for each in page.devices] == expected and page.total == 14, order


@pytest.mark.parametrize("looked_at", [1000, -1], ids=["few", "many"])
def test_devices_stand_by_the_worst_of_their_alarms(
    engine: Engine, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veldnet.inventory.devices.search._MOST_LOOKED_AT", looked_at)
    monkeypatch.setattr("veldnet.inventory.devices.map._FEW", -1)
    chance = random.Random(13)
    with engine.begin() as connection:
        create(connection, range(1, 40), chance)
        alarm(connection, chance)
        worst = worst_alarms(connection)
        assert len(set(worst.values())) > 3
        every = select(devices.c.ref, devices.c.health, devices.c.alarm).order_by(devices.c.ref)
        rows = connection.execute(every).all()
        assert {row.ref: row.alarm for row in rows if row.alarm} == worst
        ways: tuple[tuple[Order, int], ...] = (("-alarm", -1), ("alarm", 1))
        for wanted, level in ((Wanted(), 0), (Wanted(alarm="ANY"), 1), (Wanted(alarm="MAJOR"), 5)):
            for health in (None, "ACTIVE"):
                own = [row for row in rows if row.alarm >= level and health in (None, HEALTH[row.health])]
                asked = msgspec.structs.replace(wanted, health=health)
                for order, sign in ways:
                    expected = [row.ref for row in sorted(own, key=lambda row: (sign * row.alarm, row.ref))]
                    assert pages(connection, asked, order, 5) == expected, (order, asked)
                assert sorted(pages(connection, asked, "name", 5)) == [row.ref for row in own]
                drawn = map_cells(connection, SCOPE, asked, (-90.0, -180.0, 90.0, 180.0), 1.0)
                assert sum(cell.devices for cell in drawn) == len(own)
