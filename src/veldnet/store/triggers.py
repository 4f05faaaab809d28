"""Triggers on `devices` and `device_order` that keep the counts of devices, for each engine, as part of the
schema; those on `alarms` are made in `alarm_triggers`.

SQLite adds to the row of a count, for it has one writer. In PostgreSQL writers would wait for each other at
that row and lock several of them in different orders; there each transaction appends rows of its own, marked
with its number, and `fold_device_counts` adds them up from time to time. A count is the sum of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, event, text

from .alarm_triggers import ALARM_TRIGGERS
from .schema import AREAS_A_DEGREE, CELLS_A_DEGREE, DEVICE_BLOCK_BITS, DeviceList, metadata


class _Counted(NamedTuple):
    """What a count is of: columns of `table`, and for each row of what is counted their values. `{of}` stands
    before columns of that row."""

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    # Columns of what is counted that change the values.
    by: tuple[str, ...]
    where: str = "true"


def _text_block(which: DeviceList, column: str) -> str:
    """The block in which a device stands among names or DevEUIs."""
    return (
        "coalesce((SELECT bounds.block FROM device_text_bounds AS bounds "  # noqa: S608 - a number
        f"WHERE bounds.list = {which.value} AND bounds.subscriber_ref = {{of}}subscriber_ref "
        f"AND (bounds.key, bounds.dev_eui) <= ({{of}}{column}, {{of}}dev_eui) "
        "ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0)"
    )


def _number_block(which: DeviceList, column: str) -> str:
    """The same among hours or percentages."""
    return (
        "coalesce((SELECT bounds.block FROM device_number_bounds AS bounds "  # noqa: S608 - a number
        f"WHERE bounds.list = {which.value} AND bounds.subscriber_ref = {{of}}subscriber_ref "
        f"AND (bounds.key, bounds.device_ref) <= ({{of}}{column}, {{of}}device_ref) "
        "ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0)"
    )


def _in_list(which: DeviceList, block: str, health: str) -> str:
    return f"{which.value}, {{of}}subscriber_ref, {block}, {health}"


_LIST_KEY = ("list", "subscriber_ref", "block", "health")
_KINDS = ("plan_ref", "profile_ref", "routing_profile_ref")
_CELL_KEY = ("subscriber_ref", "row", "col", "health", "alarm", *_KINDS)


def _cells(table: str, a_degree: int, whole: str) -> _Counted:
    row, col = (
        whole.format(f"({{of}}{column} + {shift}) * {a_degree}")
        for column, shift in (("latitude", "90.0"), ("longitude", "180.0"))
    )
    return _Counted(
        table,
        _CELL_KEY,
        (
            f"{{of}}subscriber_ref, {row}, {col}, {{of}}health, {{of}}alarm, coalesce({{of}}plan_ref, 0), "
            "{of}profile_ref, coalesce({of}routing_profile_ref, 0)",
        ),
        ("latitude", "longitude", "health", "alarm", *_KINDS),
        "{of}latitude IS NOT NULL AND {of}longitude IS NOT NULL",
    )


def _counted(whole: str) -> dict[str, tuple[_Counted, ...]]:
    """What is counted of the rows of each table; `whole` cuts a number to an integer."""
    block = f"{{of}}%s >> {DEVICE_BLOCK_BITS}"
    return {
        "devices": (
            _Counted(
                "device_counts",
                ("subscriber_ref", "block", "health", "alarm"),
                (f"{{of}}subscriber_ref, {block % 'ref'}, {{of}}health, {{of}}alarm",),
                ("health", "alarm"),
            ),
            _cells("device_cells", CELLS_A_DEGREE, whole),
            _cells("device_areas", AREAS_A_DEGREE, whole),
            _Counted(
                "device_list_counts",
                _LIST_KEY,
                tuple(
                    _in_list(which, _text_block(which, column), "{of}health")
                    for which, column in ((DeviceList.NAME, "name"), (DeviceList.EUI, "dev_eui"))
                ),
                ("name", "dev_eui", "health"),
            ),
        ),
        "device_order": (
            _Counted(
                "device_list_counts",
                _LIST_KEY,
                (
                    *(
                        _in_list(which, _number_block(which, column), "0")
                        for which, column in (
                            (DeviceList.LAST_UPLINK, "heard_hour"),
                            (DeviceList.PER, "lost_percent"),
                        )
                    ),
                    _in_list(DeviceList.HEARD, block % "device_ref", "0"),
                ),
                ("heard_hour", "lost_percent"),
            ),
        ),
    }


def _sqlite() -> Iterator[str]:
    def change(counted: _Counted, of: str, number: int) -> str:
        names = ", ".join(counted.key)
        return " ".join(
            f"INSERT INTO {counted.table} ({names}, part, devices) "
            f"SELECT {values.format(of=of)}, 0, {number} WHERE {counted.where.format(of=of)} "
            f"ON CONFLICT ({names}, part) DO UPDATE SET devices = devices + excluded.devices;"
            for values in counted.values
        )

    for table, all_counted in _counted("CAST({} AS INTEGER)").items():
        for when, of, number in (("INSERT", "NEW.", 1), ("DELETE", "OLD.", -1)):
            body = " ".join(change(counted, of, number) for counted in all_counted)
            yield f"{table}_counted_on_{when.lower()} AFTER {when} ON {table} BEGIN {body} END"
        for counted in all_counted:
            changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in counted.by)
            yield (
                f"{table}_in_{counted.table} AFTER UPDATE OF {', '.join(counted.by)} ON {table} "
                f"WHEN {changed} BEGIN {change(counted, 'OLD.', -1)} {change(counted, 'NEW.', 1)} END"
            )


def _postgresql() -> Iterator[str]:
    """One function for each operation, called once a statement: an import of many devices appends a row for
    each count, not for each device."""

    def append(counted: _Counted, changes: tuple[tuple[str, int], ...]) -> str:
        names = ", ".join(counted.key)
        rows = " UNION ALL ".join(
            f"SELECT {values.format(of='each.')}, {number} FROM {rows} AS each "  # noqa: S608
            f"WHERE {counted.where.format(of='each.')}"
            for rows, number in changes
            for values in counted.values
        )
        return (
            f"INSERT INTO {counted.table} AS t ({names}, part, devices) "  # noqa: S608 - names of columns
            f"SELECT {names}, CAST(CAST(pg_current_xact_id() AS text) AS bigint), sum(n) "
            f"FROM ({rows}) AS changed ({names}, n) GROUP BY {names} HAVING sum(n) <> 0 "
            f"ON CONFLICT ({names}, part) DO UPDATE SET devices = t.devices + excluded.devices;"
        )

    old, new = ("old_rows", -1), ("new_rows", 1)
    for table, all_counted in _counted("CAST(trunc({}) AS INTEGER)").items():
        for operation, changes, tables in (
            ("insert", (new,), "NEW TABLE AS new_rows"),
            ("delete", (old,), "OLD TABLE AS old_rows"),
            ("update", (old, new), "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ):
            name = f"{table}_counted_on_{operation}"
            body = " ".join(append(counted, changes) for counted in all_counted)
            yield (
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {body} RETURN NULL; END $$"
            )
            yield (
                f"CREATE OR REPLACE TRIGGER {name} AFTER {operation.upper()} ON {table} REFERENCING {tables} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )


TRIGGERS = {
    "sqlite": tuple(f"CREATE TRIGGER IF NOT EXISTS {trigger}" for trigger in _sqlite()),
    "postgresql": tuple(_postgresql()),
}
_TABLES = {each.table: each.key for counted in _counted("{}").values() for each in counted}


def create_triggers(connection: Connection) -> None:
    """Create the triggers, or leave those that are there."""
    for statement in TRIGGERS[connection.dialect.name] + ALARM_TRIGGERS[connection.dialect.name]:
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
        for table in _TABLES
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
    for table, key in _TABLES.items():
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
