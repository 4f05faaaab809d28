"""No number that anything else can hold is given twice, in any table, whatever was deleted."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
)

from veldnet.domain.errors import BadRequest
from veldnet.inventory.base_stations import StationFacts, create_base_station, remove_base_station
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.network.core.records import Copy
from veldnet.network.shell.journal import pack_copies
from veldnet.store import SqliteStore, migrate
from veldnet.store.alembic_chain import upgrade
from veldnet.store.schema import metadata

# Not the store's to give: `IdSource` gives the ids, the others are numbers of something else.
NOT_GIVEN = {
    *(
        "branding",
        "campaign_events",
        "cups_contacts",
        "deliveries",
        "device_order",
        "device_states",
        "downlinks",
        "found_places",
        "id_marks",
        "id_steps",
    ),
    *("leases", "multicast_frames", "notifications"),
}
NUMBERED = [table for table in metadata.sorted_tables if table.autoincrement_column is not None]
_unique = count(1)


def new_database(directory: Path) -> SqliteStore:
    store = SqliteStore(directory / "numbers.db")
    migrate(store.engine, store.path)
    return store


def add_row(connection: Connection, table: Table) -> int:
    """A row with something in every column that needs it; returns the number it got."""
    number = next(_unique)
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.nullable or column.server_default is not None or column is table.autoincrement_column:
            continue
        if isinstance(column.type, LargeBinary):
            values[column.name] = b"%d" % number
        elif isinstance(column.type, Boolean):
            values[column.name] = False
        elif isinstance(column.type, Integer | Float):
            values[column.name] = number
        else:
            values[column.name] = f"text {number}"
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def test_a1_every_table_with_a_number_of_its_own_is_known() -> None:
    """A new table is tested below by itself, unless somebody says that its numbers come from elsewhere."""
    single = {
        table.name
        for table in metadata.sorted_tables
        if len(table.primary_key.columns) == 1
        and isinstance(next(iter(table.primary_key.columns)).type, Integer)
    }
    assert single - {table.name for table in NUMBERED} == NOT_GIVEN
    assert {"operators", "users", "routing_profiles", "base_stations"} <= {table.name for table in NUMBERED}


@pytest.mark.parametrize("table", NUMBERED, ids=lambda table: table.name)
def test_a1_numbers_are_given_once_in_every_table(table: Table, tmp_path: Path) -> None:
    store = new_database(tmp_path)
    assert table.dialect_options["sqlite"]["autoincrement"], "declared for databases made from the metadata"
    with store.engine.connect() as connection:
        # Rows of other tables are not what this is about.
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys=OFF").close()
        key = table.autoincrement_column
        assert key is not None
        given: list[int] = []
        for deleted in ("the highest", "all", "none"):
            with connection.begin():
                given += [add_row(connection, table) for _ in range(3)]
                if deleted == "the highest":
                    connection.execute(delete(table).where(key == given[-1]))
                elif deleted == "all":
                    connection.execute(delete(table))
        assert given == sorted(set(given)) and len(given) == 9
    store.engine.dispose()
    # A process that starts later knows it, too.
    again = SqliteStore(store.path)
    with again.engine.connect() as connection:
        raw = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys=OFF").close()
        with connection.begin():
            connection.execute(delete(table))
            assert add_row(connection, table) > given[-1]
    again.engine.dispose()


def put(connection: Connection, name: str, /, **values: object) -> None:
    """A row, as SQL: the tables are those of the version before."""
    marks = ", ".join(f":{column}" for column in values)
    connection.execute(text(f"INSERT INTO {name} ({', '.join(values)}) VALUES ({marks})"), values)


def put_subscriber(connection: Connection, ref: int) -> None:
    """An operator, a subscriber and all that one has, each under the same number."""
    put(connection, "operators", ref=ref, code=f"op{ref}", name="x")
    put(connection, "subscribers", ref=ref, operator_ref=1, customer_id=f"10000000{ref}", name="x")
    person = {"password_hash": "h", "display_name": "x"}
    put(connection, "users", ref=ref, subscriber_ref=ref, username=f"user{ref}", **person)
    put(connection, "operator_users", ref=ref, operator_ref=1, username=f"op{ref}", role="rw", **person)
    offer = {"ref": ref, "operator_ref": 1, "name": "x", "id": f"offer{ref}"}
    put(connection, "connectivity_plans", **offer, communication_type="UNICAST", settings="{}")
    put(connection, "device_profiles", **offer, type_mac="LoRaWAN", settings="{}")
    put(connection, "hsm_groups", **offer)
    put(connection, "base_stations", **offer | {"id": f"FF00000{ref}"}, gateway_eui=f"{ref:016X}")
    put(connection, "plan_grants", subscriber_ref=ref, plan_ref=ref, granted=5)
    put(connection, "routing_profiles", ref=ref, subscriber_ref=ref, name="x", is_default=1, is_dummy=0)
    route = {"source_ports": "*", "strategy": "SEQUENTIAL", "content_type": "JSON", "addresses": "[]"}
    put(connection, "routes", routing_profile_ref=ref, position=0, **route)
    offers = {"profile_ref": 1, "plan_ref": 1, "hsm_group_ref": 1, "routing_profile_ref": ref}
    kind = {"name": "x", "activation_type": "OTAA", "device_class": "A", "details": "{}"}
    moments = {"created_at": 0, "updated_at": 0, "updated_by": "x", "latitude": 52.0, "longitude": 5.0}
    own = {"ref": ref, "subscriber_ref": ref, "dev_eui": f"{ref:016X}"}
    put(connection, "devices", **own, **offers, **kind, **moments)
    put(connection, "device_states", device_ref=ref, dev_addr=ref)
    put(connection, "projects", ref=ref, name="x", client_id=f"c{ref}", secret_hash="s", user_ref=ref)
    put(connection, "tokens", digest=b"%d" % ref, project_ref=ref, expires_at=9)
    put(connection, "sessions", digest=b"%d" % ref, user_ref=ref, used_at=1, expires_at=9)


def put_mentions(connection: Connection) -> None:
    """What tells of rows that were deleted, each with a number higher than all that are left."""
    for account in ("user-2", "user-31", "operator-1", "operator-32"):
        put(connection, "preferences", account=account, value="{}")
    # To a profile that is gone; to one of another subscriber; of a device that is gone; one that is fine.
    for number, device, subscriber, profile in ((1, 1, 33, 34), (2, 1, 1, 2), (3, 77, 1, 1), (4, 1, 1, 1)):
        whose = {"id": number, "frame_id": 1, "device_ref": device, "subscriber_ref": subscriber}
        put(connection, "deliveries", **whose, lane=f"{profile}:as", expires_at=9, state=0, message=b"")
    heard = pack_copies(tuple(Copy(BaseStationId(0xFF000000 + n), -90.0, 5.0, 0.0) for n in (1, 36)))
    frame = {"id": 1, "device_ref": 1, "kind": 0, "outcome": "accepted", "size": 5, "copies": 2}
    put(connection, "frames", **frame, base_station=0xFF000001, plan_ref=35, heard=heard)
    totals = {column["name"] for column in inspect(connection).get_columns("hourly_statistics")}
    station = {"scope": 3, "scope_ref": 0xAB000007, "hour": 1}
    put(connection, "hourly_statistics", **dict.fromkeys(totals, 0) | station)
    for action, what, subscriber, operator in (
        ("routingProfile.deleted", "routingProfile 20", 33, 37),
        ("deviceProfile.changed", "deviceProfile 38", 1, 1),
        ("project.deleted", "project 39", 1, 1),
        ("subscriber.created", "subscriber 100000009", 1, 1),
        ("baseStation.removed", "FF000030", 1, 1),
    ):
        whose = {"subscriber_ref": subscriber, "operator_ref": operator}
        put(connection, "audit", at=0, actor="x", action=action, object=what, details="", **whose)


def old_database(path: Path) -> SqliteStore:
    """A database of the version before, in which the highest rows were deleted, and whose other rows go on
    mentioning them."""
    store = SqliteStore(path)
    upgrade(store.engine, "0005")
    with store.engine.begin() as connection:
        put_subscriber(connection, 1)
        put_subscriber(connection, 2)
        put_mentions(connection)
    return store


# Columns and indexes that a later version renamed.
RENAMED = {
    **{"rest" + "less": "unsolicited", "watch": "monitoring"},
    **{"ix_deliveries_lane": "ix_deliveries_queue"},
    **{"ix_device_states_rest" + "less": "ix_device_states_unsolicited"},
    **{"devices_counted": "devices_counted_on_insert", "devices_uncounted": "devices_counted_on_delete"},
    **{"devices_recounted": "devices_in_device_counts", "devices_placed": "devices_counted_on_insert"},
    **{"devices_gone": "devices_counted_on_delete"},
    **dict.fromkeys(("devices_moved_away", "devices_moved_here"), "devices_in_device_cells"),
}


def test_a1_a_database_of_0005_goes_on_behind_every_number_that_is_mentioned(tmp_path: Path) -> None:
    store = old_database(tmp_path / "old.db")
    with store.engine.connect() as connection:
        names = [table.name for table in metadata.sorted_tables if inspect(connection).has_table(table.name)]
        # Later versions append columns, and rename some.
        # Their settings are completed: tests/contract/test_store.py.
        completed = {("connectivity_plans", "settings"), ("device_profiles", "settings")}
        columns = {
            name: ", ".join(
                column["name"]
                for column in inspect(connection).get_columns(name)
                if (name, column["name"]) not in completed
            )
            for name in names
        }
        before = {
            name: connection.execute(text(f"SELECT {columns[name]} FROM {name}")).all()
            for name in names
            if name not in ("deliveries", "preferences")
        }
        schema = text("SELECT name FROM sqlite_master WHERE type IN ('index', 'trigger') ORDER BY name")
        others = connection.execute(schema).scalars().all()
    assert migrate(store.engine, store.path)
    with store.engine.connect() as connection:
        columns["device_states"] = ", ".join(
            RENAMED.get(name, name) for name in columns["device_states"].split(", ")
        )
        for name, rows in before.items():
            assert connection.execute(text(f"SELECT {columns[name]} FROM {name}")).all() == rows, name
        others = [RENAMED.get(n, n) for n in others]
        assert [n for n in others if n not in connection.execute(schema).scalars().all()] == []
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    with store.engine.begin() as connection:
        given = {table.name: add_row_of_old(connection, table) for table in NUMBERED}
    expected = {
        "operators": 38,
        "subscribers": 34,
        "users": 32,
        "operator_users": 33,
        "connectivity_plans": 36,
        "device_profiles": 39,
        "hsm_groups": 3,
        "routing_profiles": 35,
        "projects": 40,
        "base_stations": 0x31,
    }
    assert {name: given[name] for name in expected} == expected
    store.engine.dispose()


def add_row_of_old(connection: Connection, table: Table) -> int:
    """As `add_row`, naming rows that are there."""
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    number = add_row(connection, table)
    key = table.autoincrement_column
    assert key is not None
    connection.execute(delete(table).where(key == number))
    return number


def test_a1_what_belonged_to_something_deleted_before_is_set_aside(tmp_path: Path) -> None:
    store = old_database(tmp_path / "old.db")
    migrate(store.engine, store.path)
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT id, state, last_error FROM deliveries ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [
            (1, 1, "the routing profile was deleted"),
            (2, 1, "the routing profile was deleted"),
            (3, 1, "the device was deleted"),
            (4, 0, None),
        ]
        views = connection.execute(text("SELECT account FROM preferences ORDER BY account")).scalars().all()
        assert views == ["operator-1", "user-2"]
    store.engine.dispose()


def test_a1_foreign_keys_work_after_the_migration(tmp_path: Path) -> None:
    """Rows still go with the row they belong to, and devices are still counted."""
    store = old_database(tmp_path / "old.db")
    migrate(store.engine, store.path)
    with store.engine.begin() as connection:
        run = connection.exec_driver_sql
        run("DELETE FROM devices WHERE ref = 2")
        assert run("SELECT count(*) FROM device_states").scalar() == 1
        assert run("SELECT sum(devices) FROM device_counts WHERE subscriber_ref = 2").scalar() == 0
        assert run("SELECT sum(devices) FROM device_cells WHERE subscriber_ref = 2").scalar() == 0
        run("DELETE FROM routing_profiles WHERE ref = 2")
        assert run("SELECT routing_profile_ref FROM routes").scalars().all() == [1]
        run("DELETE FROM users WHERE ref = 2")
        assert run("SELECT user_ref FROM projects ORDER BY ref").scalars().all() == [1, None]
        assert run("SELECT count(*) FROM sessions").scalar() == 1
        run("DELETE FROM projects WHERE ref = 2")
        assert run("SELECT count(*) FROM tokens").scalar() == 1
    with pytest.raises(Exception, match="FOREIGN KEY"), store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM operators WHERE ref = 1")
    store.engine.dispose()


def station(connection: Connection, operator: int, eui: int, wanted: int | None = None) -> str:
    return create_base_station(
        connection,
        operator,
        GatewayEui(eui),
        StationFacts(name="x"),
        base_station_id=None if wanted is None else BaseStationId(wanted),
    ).id


def test_a3_ids_of_base_stations_are_given_once_over_all_operators(tmp_path: Path) -> None:
    store = new_database(tmp_path)
    with store.engine.begin() as connection:
        for ref in (1, 2):
            connection.exec_driver_sql(
                f"INSERT INTO operators (ref, code, name) VALUES ({ref}, 'o{ref}', 'x')"
            )
        first = station(connection, 1, 1)
        assert first == "FF000001"
        # One that an operator has chosen stands in the way of the next.
        assert station(connection, 1, 2, 0xFF000003) == "FF000003"
        given = {first, "FF000003"}
        for turn in range(3, 12):
            new = station(connection, 1 + turn % 2, turn)
            assert new not in given, "though the newest was removed"
            given.add(new)
            remove_base_station(connection, new)
        for removed in sorted(given - {first, "FF000003"}):
            with pytest.raises(BadRequest, match="belonged to a base station that was removed"):
                station(connection, 2, 99, int(removed, 16))
        with pytest.raises(BadRequest, match="exists already"):
            station(connection, 2, 99, 0xFF000001)
        # The same hardware comes back as another base station.
        assert station(connection, 2, 5) not in given
    store.engine.dispose()


def test_a3_ids_mentioned_in_an_old_database_are_not_given_again(tmp_path: Path) -> None:
    store = old_database(tmp_path / "old.db")
    migrate(store.engine, store.path)
    with store.engine.begin() as connection:
        retired = (
            connection.exec_driver_sql("SELECT id FROM retired_base_stations ORDER BY id").scalars().all()
        )
        assert retired == ["AB000007", "FF000024", "FF000030"]
        assert station(connection, 2, 99) == "FF000031"
        with pytest.raises(BadRequest, match="removed"):
            station(connection, 2, 98, 0xAB000007)
    store.engine.dispose()


def test_the_alarms_of_a_base_station_go_with_it(tmp_path: Path) -> None:
    store = new_database(tmp_path)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO operators (ref, code, name) VALUES (1, 'o', 'x')")
        identifier = station(connection, 1, 1)
        alarms = metadata.tables["base_station_alarms"]
        connection.execute(
            insert(alarms).values(
                base_station=int(identifier, 16), type=102, object="", state=3, occurrence=1, acked=False,
                created_at=0, updated_at=0,
            )
        )  # fmt: skip
        remove_base_station(connection, identifier)
        assert connection.execute(select(func.count()).select_from(alarms)).scalar_one() == 0
    store.engine.dispose()
