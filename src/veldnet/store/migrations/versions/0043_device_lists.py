"""Devices with a place are counted by tenths of a degree, too; indexes find few with a plan or a profile,
and pages far behind of devices in a state of health."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_KEY = ("subscriber_ref", "row", "col", "health")


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for column in ("plan_ref", "profile_ref"):
        op.create_index(f"ix_devices_subscriber_ref_{column}", "devices", ["subscriber_ref", column])
    for name, columns in (("name", ("name", "dev_eui")), ("dev_eui", ("dev_eui",))):
        op.drop_index(f"ix_devices_subscriber_ref_{name}", "devices")
        indexed = ["subscriber_ref", *columns, "health"]
        # Which SQLite has in every index.
        op.create_index(f"ix_devices_subscriber_ref_{name}", "devices", indexed, postgresql_include=["ref"])
    op.create_table(
        "device_areas",
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("col", sa.Integer(), nullable=False),
        sa.Column("health", sa.Integer(), nullable=False),
        sa.Column("part", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, "part", name="pk_device_areas"),
        sqlite_with_rowid=False,
    )
    if not sqlite:
        where = sa.text("part <> 0")
        op.create_index("ix_device_areas_appended", "device_areas", ["part"], postgresql_where=where)
    area = _cell("", 10) if sqlite else _truncated(10)
    op.execute(
        "INSERT INTO device_areas (subscriber_ref, row, col, health, part, devices) "  # noqa: S608
        f"SELECT subscriber_ref, {area}, health, 0, count(*) FROM devices "
        "WHERE latitude IS NOT NULL AND longitude IS NOT NULL GROUP BY 1, 2, 3, 4"
    )
    for statement in _sqlite() if sqlite else _postgresql():
        op.get_bind().exec_driver_sql(statement)


def _cell(of: str, cells_a_degree: int) -> str:
    return ", ".join(
        f"CAST(({of}{column} + {shift}) * {cells_a_degree} AS INTEGER)"
        for column, shift in (("latitude", "90.0"), ("longitude", "180.0"))
    )


def _truncated(cells_a_degree: int) -> str:
    return _cell("", cells_a_degree).replace("CAST(", "CAST(trunc(").replace(" AS INTEGER", ") AS INTEGER")


def _sqlite() -> list[str]:
    places = {"device_cells": 100, "device_areas": 10}
    place = " ".join(
        f"INSERT INTO {table} (subscriber_ref, row, col, health, part, devices) "  # noqa: S608
        f"VALUES (NEW.subscriber_ref, {_cell('NEW.', size)}, NEW.health, 0, 1) "
        "ON CONFLICT (subscriber_ref, row, col, health, part) DO UPDATE SET devices = devices + 1;"
        for table, size in places.items()
    )
    leave = " ".join(
        f"UPDATE {table} SET devices = devices - 1 "  # noqa: S608
        f"WHERE subscriber_ref = OLD.subscriber_ref AND (row, col) = ({_cell('OLD.', size)}) "
        "AND health = OLD.health AND part = 0;"
        for table, size in places.items()
    )
    new, old = (f"{of}.latitude IS NOT NULL AND {of}.longitude IS NOT NULL" for of in ("NEW", "OLD"))
    moved = "AFTER UPDATE OF latitude, longitude, health ON devices"
    triggers = {
        "devices_placed": f"AFTER INSERT ON devices WHEN {new} BEGIN {place} END",
        "devices_gone": f"AFTER DELETE ON devices WHEN {old} BEGIN {leave} END",
        "devices_moved_away": f"{moved} WHEN {old} BEGIN {leave} END",
        "devices_moved_here": f"{moved} WHEN {new} BEGIN {place} END",
    }
    drops = [f"DROP TRIGGER {name}" for name in triggers]
    return drops + [f"CREATE TRIGGER {name} {body}" for name, body in triggers.items()]


def _postgresql() -> list[str]:
    columns = {"device_counts": "subscriber_ref, ref >> 12, health"}
    for table, size in (("device_cells", 100), ("device_areas", 10)):
        columns[table] = f"subscriber_ref, {_truncated(size)}, health"

    def body(*changes: tuple[str, int]) -> str:
        statements = []
        for table, read in columns.items():
            counted = table == "device_counts"
            names = "subscriber_ref, block, health" if counted else ", ".join(_KEY)
            where = "" if counted else " WHERE latitude IS NOT NULL AND longitude IS NOT NULL"
            rows = " UNION ALL ".join(
                f"SELECT {read}, {number} FROM {name}{where}"  # noqa: S608
                for name, number in changes
            )
            statements.append(
                f"INSERT INTO {table} AS t ({names}, part, devices) "  # noqa: S608
                f"SELECT {names}, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) "
                f"FROM ({rows}) AS changed ({names}, n) GROUP BY {names} HAVING sum(n) <> 0 "
                f"ON CONFLICT ({names}, part) DO UPDATE SET devices = t.devices + excluded.devices;"
            )
        return " ".join(statements)

    bodies = {
        "insert": body(("new_devices", 1)),
        "delete": body(("old_devices", -1)),
        "update": body(("old_devices", -1), ("new_devices", 1)),
    }
    return [
        f"CREATE OR REPLACE FUNCTION devices_counted_on_{operation}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {statements} RETURN NULL; END $$"
        for operation, statements in bodies.items()
    ]
