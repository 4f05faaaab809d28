"""Counts of devices: by triggers that belong to the schema, and as sums of the parts that writers append."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, insert, text

from veldnet.domain.scope import Scope
from veldnet.inventory.accounts import create_operator, create_subscriber, list_subscribers
from veldnet.inventory.devices import Wanted, map_cells
from veldnet.monitoring import health
from veldnet.store import SqliteStore, fold_device_counts, migrate
from veldnet.store.schema import device_areas, device_cells, device_counts, metadata


def _triggers(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {row.name: row.sql.replace("IF NOT EXISTS ", "") for row in rows}


def test_the_schema_creates_the_triggers_that_migrations_do(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "migrated.db")
    migrate(store.engine, store.path)
    with store.engine.connect() as connection:
        migrated = _triggers(connection)
    store.engine.dispose()
    fresh = create_engine("sqlite://")
    metadata.create_all(fresh)
    # Again, as for a database where some of it is.
    metadata.create_all(fresh)
    with fresh.connect() as connection:
        assert _triggers(connection) == migrated and len(migrated) == 17


def test_a_count_is_the_sum_of_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        operator = create_operator(connection, "ope", "Operator")
        subscriber = create_subscriber(connection, operator, "100000001", "Customer")
        key = ("subscriber_ref", "block", "health", "alarm", "part", "devices")
        parts = ((0, 0, 0, 0, 5), (0, 0, 0, 77, -2), (0, 2, 3, 77, 2), (1, 1, 0, 78, 4))
        connection.execute(
            insert(device_counts), [dict(zip(key, (subscriber, *row), strict=True)) for row in parts]
        )
        # Two devices are in one cell; all have left the other.
        cell = ("subscriber_ref", "row", "col", "health", "alarm", "plan_ref", "part", "devices")
        none = {"profile_ref": 1, "routing_profile_ref": 0}
        here, there = (14200, 18500, 0), (14900, 18900, 0)
        places = (
            (*here, 4, 1, 0, 3),
            (*here, 4, 1, 77, -2),
            (*here, 0, 0, 0, 1),
            (*there, 0, 1, 0, 1),
            (*there, 0, 1, 77, -1),
        )
        rows = [none | dict(zip(cell, (subscriber, *row), strict=True)) for row in places]
        connection.execute(insert(device_cells), rows)
        connection.execute(
            insert(device_areas), [row | {"row": row["row"] // 10, "col": row["col"] // 10} for row in rows]
        )
        assert health.counts(connection, subscriber) == (3, 4, 2)
        (listed,) = list_subscribers(connection, operator)
        assert (listed.devices, listed.disconnected) == (9, 2)
        scope = Scope(operator, subscriber, "100000001", 0, "", "")
        # Counts alone: there are no such devices.
        monkeypatch.setattr("veldnet.inventory.devices.map._FEW", 0)
        for size, middle, edges in (
            (1.0, (52.05, 5.05), (52.0, 5.0, 52.1, 5.1)),
            (0.1, (52.005, 5.005), (52.0, 5.0, 52.01, 5.01)),
        ):
            found = map_cells(connection, scope, Wanted(), (-90, -180, 90, 180), size)
            (drawn,) = found
            assert (drawn.latitude, drawn.longitude, drawn.devices, drawn.disconnected) == (*middle, 2, 0)
            assert (drawn.south, drawn.west, drawn.north, drawn.east) == edges
        assert fold_device_counts(connection) == 0
