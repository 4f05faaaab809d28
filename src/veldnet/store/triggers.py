"""Triggers on `devices` that keep `device_counts`, `device_cells` and `device_areas`, for each engine, as
part of the schema.

SQLite adds to the row of a count, for it has one writer. In PostgreSQL writers would wait for each other at
that row and lock several of them in different orders; there each transaction appends rows of its own, marked
with its number, and `fold_device_counts` adds them up from time to time. A count is the sum of its rows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event, text

from .schema import AREAS_A_DEGREE, CELLS_A_DEGREE, DEVICE_BLOCK_BITS, metadata

# What a count is of, in each table.
_KEYS = {
    "device_counts": ("subscriber_ref", "block", "health"),
    "device_cells": ("subscriber_ref", "row", "col", "health"),
    "device_areas": ("subscriber_ref", "row", "col", "health"),
}
_PLACES = {"device_cells": CELLS_A_DEGREE, "device_areas": AREAS_A_DEGREE}


def _cell(of: str, cells_a_degree: int) -> str:
    return ", ".join(
        f"CAST(({of}{column} + {shift}) * {cells_a_degree} AS INTEGER)"
        for column, shift in (("latitude", "90.0"), ("longitude", "180.0"))
    )


def _sqlite() -> tuple[str, ...]:
    block = f"ref >> {DEVICE_BLOCK_BITS}"
    add = (
        "INSERT INTO device_counts (subscriber_ref, block, health, part, devices) "  # noqa: S608
        f"VALUES (NEW.subscriber_ref, NEW.{block}, NEW.health, 0, 1) "
        "ON CONFLICT (subscriber_ref, block, health, part) DO UPDATE SET devices = devices + 1;"
    )
    take = (
        "UPDATE device_counts SET devices = devices - 1 "  # noqa: S608 - names of columns
        f"WHERE subscriber_ref = OLD.subscriber_ref AND block = OLD.{block} AND health = OLD.health "
        "AND part = 0;"
    )
    place = " ".join(
        f"INSERT INTO {table} (subscriber_ref, row, col, health, part, devices) "  # noqa: S608
        f"VALUES (NEW.subscriber_ref, {_cell('NEW.', size)}, NEW.health, 0, 1) "
        "ON CONFLICT (subscriber_ref, row, col, health, part) DO UPDATE SET devices = devices + 1;"
        for table, size in _PLACES.items()
    )
    leave = " ".join(
        f"UPDATE {table} SET devices = devices - 1 "  # noqa: S608
        f"WHERE subscriber_ref = OLD.subscriber_ref AND (row, col) = ({_cell('OLD.', size)}) "
        "AND health = OLD.health AND part = 0;"
        for table, size in _PLACES.items()
    )
    new, old = (f"{of}.latitude IS NOT NULL AND {of}.longitude IS NOT NULL" for of in ("NEW", "OLD"))
    moved = "AFTER UPDATE OF latitude, longitude, health ON devices"
    triggers = (
        f"devices_counted AFTER INSERT ON devices BEGIN {add} END",
        f"devices_uncounted AFTER DELETE ON devices BEGIN {take} END",
        f"devices_recounted AFTER UPDATE OF health ON devices WHEN OLD.health <> NEW.health "
        f"BEGIN {take} {add} END",
        f"devices_placed AFTER INSERT ON devices WHEN {new} BEGIN {place} END",
        f"devices_gone AFTER DELETE ON devices WHEN {old} BEGIN {leave} END",
        f"devices_moved_away {moved} WHEN {old} BEGIN {leave} END",
        f"devices_moved_here {moved} WHEN {new} BEGIN {place} END",
    )
    return tuple(f"CREATE TRIGGER IF NOT EXISTS {trigger}" for trigger in triggers)


def _postgresql() -> tuple[str, ...]:
    """One function for each operation, called once a statement: an import of many devices appends a row for
    each count, not for each device."""
    columns = {"device_counts": f"subscriber_ref, ref >> {DEVICE_BLOCK_BITS}, health"}
    where = {"device_counts": ""}
    for table, size in _PLACES.items():
        cell = _cell("", size).replace("CAST(", "CAST(trunc(").replace(" AS INTEGER", ") AS INTEGER")
        columns[table] = f"subscriber_ref, {cell}, health"
        where[table] = " WHERE latitude IS NOT NULL AND longitude IS NOT NULL"

    def body(*changes: tuple[str, int]) -> str:
        statements = []
        for table, key in _KEYS.items():
            names = ", ".join(key)
            rows = " UNION ALL ".join(
                f"SELECT {columns[table]}, {number} FROM {rows}{where[table]}"  # noqa: S608
                for rows, number in changes
            )
            statements.append(
                f"INSERT INTO {table} AS t ({names}, part, devices) "  # noqa: S608
                f"SELECT {names}, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) "
                f"FROM ({rows}) AS changed ({names}, n) GROUP BY {names} HAVING sum(n) <> 0 "
                f"ON CONFLICT ({names}, part) DO UPDATE SET devices = t.devices + excluded.devices;"
            )
        return " ".join(statements)

    bodies = {
        "insert": (body(("new_devices", 1)), "NEW TABLE AS new_devices"),
        "delete": (body(("old_devices", -1)), "OLD TABLE AS old_devices"),
        "update": (
            body(("old_devices", -1), ("new_devices", 1)),
            "OLD TABLE AS old_devices NEW TABLE AS new_devices",
        ),
    }
    made = []
    for operation, (statements, tables) in bodies.items():
        name = f"devices_counted_on_{operation}"
        made.append(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {statements} RETURN NULL; END $$"
        )
        made.append(
            f"CREATE OR REPLACE TRIGGER {name} AFTER {operation.upper()} ON devices REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
    return tuple(made)


TRIGGERS = {"sqlite": _sqlite(), "postgresql": _postgresql()}


def create_triggers(connection: Connection) -> None:
    """Create the triggers, or leave those that are there."""
    for statement in TRIGGERS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


@event.listens_for(metadata, "after_create")
def _after_create(_metadata: Any, connection: Connection, **_options: Any) -> None:
    create_triggers(connection)


# Only one at a time adds up; the number is nobody else's.
_FOLDING = 0x56454C44


def appended_counts(connection: Connection) -> bool:
    """Whether there is anything to add up; read off indexes that hold nothing else."""
    return connection.dialect.name == "postgresql" and any(
        connection.execute(
            text(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE part <> 0)")  # noqa: S608 - a table
        ).scalar_one()
        for table in _KEYS
    )


def fold_device_counts(connection: Connection) -> int:
    """Add up what transactions have appended; returns how many rows that were. Nothing is to be done in
    SQLite. Whoever reads meanwhile sees the same sums."""
    if connection.dialect.name != "postgresql":
        return 0
    if not connection.execute(
        text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": _FOLDING}
    ).scalar_one():
        return 0
    folded = 0
    for table, key in _KEYS.items():
        names = ", ".join(key)
        folded += connection.execute(
            text(
                f"WITH gone AS (DELETE FROM {table} WHERE part <> 0 "  # noqa: S608 - names of columns
                f"RETURNING {names}, devices), "
                f"put AS (INSERT INTO {table} AS t ({names}, part, devices) "
                f"SELECT {names}, 0, sum(devices) FROM gone GROUP BY {names} "
                f"ON CONFLICT ({names}, part) DO UPDATE SET devices = t.devices + excluded.devices) "
                "SELECT count(*) FROM gone"
            )
        ).scalar_one()
    return folded
