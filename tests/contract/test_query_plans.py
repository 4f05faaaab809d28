"""Lists, searches and the map find devices by indexes, however many there are: the plans that each engine
makes of their queries. SQLite has no statistics of what is stored, so a few devices show what it does with
many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from sqlalchemy import Connection, event, func, insert, select, text, update

from tests import postgresql
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts
from veldnet.inventory.devices import (
    Filter,
    Order,
    Paging,
    Wanted,
    found_cells,
    get_device,
    list_devices,
    map_cells,
    search,
    search_devices,
)
from veldnet.inventory.devices.by_standing import Sorting
from veldnet.inventory.sandbox import create_sandbox
from veldnet.inventory.search import Sight
from veldnet.inventory.search import search as search_everything
from veldnet.lorawan import GatewayEui
from veldnet.monitoring.observed import observed_at, standing
from veldnet.store import SqliteStore, index_names, migrate, named, write_property
from veldnet.store.hot_reads import devices_by_dev_addr, devices_by_ref
from veldnet.store.schema import ORDERED_AT, device_order, device_states, devices

COUNTRY = (50.7, 3.3, 53.6, 7.3)
# What grows with the number of devices.
LARGE = ("devices", "device_states", "device_order", "device_names", "device_cells", "alarms", "device_tags")


def fill(connection: Connection, count: int = 5) -> Scope:
    create_sandbox(connection, "", "unused", GatewayEui(1))
    rows = [
        {
            "ref": ref, "subscriber_ref": 1, "dev_eui": f"{ref:016X}", "name": f"Pump {ref}", "plan_ref": 1,
            "activation_type": "OTAA", "device_class": "A", "profile_ref": 1, "hsm_group_ref": 1,
            "sealed_app_key": b"", "details": "{}", "created_at": 0, "updated_at": 0, "updated_by": "x",
            "latitude": 52.0, "longitude": 5.0,
        }
        for ref in range(1, count + 1)
    ]  # fmt: skip
    connection.execute(insert(devices), rows)
    connection.execute(insert(device_states), [{"device_ref": row["ref"]} for row in rows])
    order = {"device_ref": 1, "subscriber_ref": 1, "heard_hour": 1, "lost_percent": 1}
    connection.execute(insert(device_order), [order])
    write_property(connection, ORDERED_AT, "1")
    index_names(connection)
    scope = accounts.scope_of_user(connection, 1)
    assert scope is not None
    return scope


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    opened = SqliteStore(Path(tmp_path_factory.mktemp("plans")) / "plans.db", inline=True)
    migrate(opened.engine, opened.path)
    with opened.engine.begin() as connection:
        fill(connection)
    yield opened
    opened.engine.dispose()


@contextmanager
def plans(connection: Connection) -> Iterator[list[str]]:
    """The plans of all queries until the end, each in a line, also of those that go to the driver."""
    asked: list[str] = []
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_trace_callback(asked.append)
    found: list[str] = []
    try:
        yield found
    finally:
        driver.set_trace_callback(None)
    for statement in asked:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            found.append("; ".join(row.detail for row in rows))


def steps(store: SqliteStore, look: Callable[[Connection, Scope], object]) -> str:
    with store.engine.begin() as connection, plans(connection) as found:
        scope = accounts.scope_of_user(connection, 1)
        assert scope is not None
        look(connection, scope)
    every = "; ".join(found)
    for table in LARGE:
        whole = [step for step in every.split("; ") if step.split()[:2] == ["SCAN", table]]
        assert not [step for step in whole if "VIRTUAL TABLE" not in step], f"{whole} of {every}"
    return every


def page(wanted: Wanted, order: Any, number: int = 1) -> Callable[[Connection, Scope], object]:
    paging = Paging(order, number, 2)
    return lambda connection, scope: search_devices(
        connection, scope, wanted, paging, observed_at(0), standing
    )


BY_ROW = "SEARCH devices USING INTEGER PRIMARY KEY (rowid=?)"
NAMES = "ix_devices_subscriber_ref_name"
# From a block of refs on.
BY_REF = "ix_devices_subscriber_ref_ref (subscriber_ref=? AND ref>?"
BY_ALARM = "COVERING INDEX ix_devices_subscriber_ref_alarm_ref (subscriber_ref=? AND alarm=? AND ref>?)"


@pytest.mark.parametrize("order", ["created", "name", "-deviceEUI", "lastUplink", "alarm"])
@pytest.mark.parametrize("words", ["xq", "mp", "ump", "nowhere", "00-00"])
def test_devices_with_a_text_are_found_by_the_index_of_names(
    store: SqliteStore, words: str, order: str
) -> None:
    found = steps(store, page(Wanted(text=words), order))
    assert words == "xq" or "device_names VIRTUAL TABLE" in found
    assert BY_ROW in found or words == "xq"
    assert NAMES not in found and "ix_devices_subscriber_ref_dev_eui" not in found


@pytest.mark.parametrize("whole", [True, False], ids=["own", "of all subscribers"])
def test_search_over_everything_reads_names_by_their_index(store: SqliteStore, whole: bool) -> None:
    def look(connection: Connection, scope: Scope) -> object:
        sight = Sight(scope.operator_ref, scope.subscriber_ref if whole else None)
        return [search_everything(connection, sight, words, 8) for words in ("mp", "xq", "pump", "mp um")]

    found = steps(store, look)
    assert "device_names VIRTUAL TABLE" in found
    assert f"{BY_ROW}" in found
    # The beginning of a name; what stands within is not looked for there.
    assert f"{NAMES} (subscriber_ref=?);" not in found


FILTERS = {
    "health": (Wanted(health="INIT"), "ix_devices_subscriber_ref_health_ref"),
    "plan": (Wanted(plan_id="x"), "ix_devices_subscriber_ref_plan_ref"),
    "profile": (Wanted(profile_id="x"), "ix_devices_subscriber_ref_profile_ref"),
    "routing": (Wanted(routing_profile_id="TWA_1.1.AS"), "ix_devices_routing_profile_ref"),
    "tag": (Wanted(tag="x", alarm="ANY"), "(subscriber_ref=? AND tag=?)"),
    "alarm": (Wanted(alarm="ANY"), "ix_devices_subscriber_ref_alarm_ref (subscriber_ref=? AND alarm>?)"),
}


@pytest.mark.parametrize("order", ["created", "name", "deviceEUI", "lastUplink", "-meanPER"])
@pytest.mark.parametrize("name", FILTERS)
def test_few_devices_are_found_by_their_filter(store: SqliteStore, name: str, order: str) -> None:
    wanted, index = FILTERS[name]
    found = steps(store, page(wanted, order))
    # A state of health stands in the indexes of names and EUIs, too.
    assert (index in found and NAMES not in found) or name == "health"


@pytest.mark.parametrize(
    ("order", "index"),
    [("created", "PRIMARY KEY"), ("-name", "ix_device_tags_name"), ("deviceEUI", "ix_device_tags_dev_eui")],
)
def test_devices_of_a_tag_stand_in_its_indexes(store: SqliteStore, order: str, index: str) -> None:
    found = steps(store, page(Wanted(tag="x"), order))
    assert f"{index} (subscriber_ref=? AND tag=?)" in found and "TEMP B-TREE" not in found, found


@pytest.mark.parametrize("order", ["alarm", "-alarm"])
def test_devices_stand_by_their_worst_alarms_without_a_look_at_the_alarms(
    store: SqliteStore, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BY_ALARM in steps(store, page(Wanted(health="INIT"), order, 2))
    monkeypatch.setattr(search, "_MOST_LOOKED_AT", -1)
    found = steps(store, page(Wanted(plan_id="x"), order))
    assert "ix_devices_subscriber_ref_alarm_ref (subscriber_ref=? AND alarm=?)" in found, found
    assert "TEMP B-TREE" not in found and "SEARCH alarms" not in found, found


@pytest.mark.parametrize("name", ["plan", "profile", "routing", "health"])
def test_many_devices_are_found_in_the_order_of_an_index(
    store: SqliteStore, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MOST_LOOKED_AT", -1)
    wanted, _index = FILTERS[name]
    found = steps(store, page(wanted, "name")).split("; ")
    listing = next(step for step in found if NAMES in step)
    # A state of health stands in the index.
    assert ("COVERING" in listing) == (name == "health")
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in found)


@pytest.mark.parametrize(
    ("order", "indexes"),
    [
        ("created", [BY_REF]),
        ("name", [f"COVERING INDEX {NAMES}"]),
        ("-deviceEUI", ["COVERING INDEX ix_devices_subscriber_ref_dev_eui"]),
        ("alarm", [BY_ALARM]),
        ("-alarm", [BY_ALARM]),
        ("lastUplink", ["COVERING INDEX ix_device_order_heard_hour", BY_REF]),
        ("-meanPER", ["COVERING INDEX ix_device_order_lost_percent", BY_REF]),
    ],
)
def test_pages_of_all_devices_are_parts_of_an_index(
    store: SqliteStore, order: str, indexes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sorting, "exact", 0, raising=False)
    for number in (1, 2, 3):
        found = steps(store, page(Wanted(), order, number))
        assert any(index in found for index in indexes), found


def test_many_devices_with_an_alarm_are_put_in_order_from_their_index(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MOST_LOOKED_AT", -1)
    found = steps(store, page(Wanted(alarm="ANY"), "lastUplink"))
    assert found.count(FILTERS["alarm"][1]) == 2, found


def test_the_map_of_a_country_is_put_together_of_counted_areas(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veldnet.inventory.devices.map._FEW", 0)
    with store.engine.begin() as connection:
        connection.execute(update(devices).where(devices.c.ref == 1).values(alarm=3))
    for wanted in (Wanted(), Wanted(health="INIT"), Wanted(alarm="ANY")):

        def look(connection: Connection, scope: Scope, wanted: Wanted = wanted) -> object:
            return map_cells(connection, scope, wanted, COUNTRY, 0.25)

        found = steps(store, look)
        assert "SEARCH device_areas USING PRIMARY KEY (subscriber_ref=? AND row>? AND row<?)" in found
        assert "device_cells" not in found and "devices" not in found


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(text="x")], ids=["all", "some"])
def test_a_device_alone_in_a_cell_is_looked_up_by_itself(store: SqliteStore, wanted: Wanted) -> None:
    box = (50.0, 3.0, 54.0, 8.0)
    # Where there may be too many cells, and where there cannot.
    for size, merged in ((0.01, True), (0.5, False)):
        for draw in (map_cells, found_cells):
            found = steps(store, lambda c, scope, draw=draw, size=size: draw(c, scope, wanted, box, size))  # type: ignore[misc]
            assert BY_ROW in found and ("chosen" in found) == merged


def test_in_postgresql_devices_are_found_by_the_index_of_names() -> None:
    with postgresql.database() as url:
        store = postgresql.open_store(url, inline=True)
        asked: list[tuple[str, Any]] = []
        with store.engine.begin() as connection:
            scope = fill(connection, 2000)
            connection.execute(text("ANALYZE"))
            # Two thousand are soon read.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            event.listen(
                store.engine,
                "before_cursor_execute",
                lambda _connection, _cursor, statement, parameters, *_more: asked.append(
                    (statement, parameters)
                ),
            )
            orders: tuple[Order, ...] = (
                "created",
                "-name",
                "deviceEUI",
                "alarm",
                "-alarm",
                "lastUplink",
                "-meanPER",
            )
            for order in orders:
                paging = Paging(order, 3, 500)
                listed = search_devices(connection, scope, Wanted(), paging, observed_at(0), standing)
                assert len({device.ref for device in listed.devices}) == 500, order
            # Every DevEUI has these digits, and two names.
            for euis, many in ((True, 2000), (False, 2)):
                by_index = named(connection, ["000"], euis=euis)
                assert by_index is not None
                query = select(func.count()).select_from(devices).where(by_index)
                assert connection.execute(query).scalar_one() == many
            sight = Sight(scope.operator_ref, scope.subscriber_ref)
            for words, hits in (("xq", 0), ("PUMP 333", 1), ("UMP 1999", 1), ("03-E8", 1)):
                asked.clear()
                found = search_devices(
                    connection, scope, Wanted(text=words), Paging("name", 1, 50), observed_at(0), standing
                )
                assert len(found.devices) == hits
                search_everything(connection, sight, words, 8)
                for statement, parameters in [each for each in asked if "device_names" in each[0]]:
                    explained = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
                    plan = " ".join(explained.scalars())
                    assert "ix_device_names_trigrams" in plan and "Seq Scan on device" not in plan, plan
        store.dispose()


def joined_at_once(statement: Any, connection: Connection) -> int:
    """How many tables PostgreSQL has to put in an order for a query: what is looked up for each row beside
    them is planned by itself."""
    explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement[0]}", statement[1]).scalar_one()

    def tables(node: dict[str, Any]) -> int:
        below = [part for part in node.get("Plans", ()) if part["Parent Relationship"] != "SubPlan"]
        return ("Relation Name" in node) + sum(map(tables, below))

    return tables(explained[0]["Plan"])


def test_in_postgresql_a_page_of_devices_joins_few_tables() -> None:
    """It takes longer to plan a join of seven than to read the page."""
    with postgresql.database() as url:
        store = postgresql.open_store(url, inline=True)
        asked: list[Any] = []
        with store.engine.begin() as connection:
            scope = fill(connection, 300)
            event.listen(
                store.engine,
                "before_cursor_execute",
                lambda _connection, _cursor, statement, parameters, *_more: asked.append(
                    (statement, parameters)
                ),
            )
            wanted = Filter(page_index=2, view="configuration")
            (first, *_others) = list_devices(connection, scope, wanted)
            assert (first.ref, first.connectivityPlanId is UNSET) == ("101", False)
            assert get_device(connection, scope, "7").name == "Pump 7"
            page(Wanted(), "name")(connection, scope)
            # As frames have them read, by lists of every length.
            (seventh,) = devices_by_ref(connection, [7])
            assert (seventh.name, seventh.customer_id) == ("Pump 7", scope.customer_id)
            assert not devices_by_dev_addr(connection, [1, 2, 3])
            queries = [each for each in asked if each[0].startswith("SELECT")]
            assert any("device_states" in query for query, _values in queries)
            assert max(joined_at_once(each, connection) for each in queries) <= 3
        store.dispose()
