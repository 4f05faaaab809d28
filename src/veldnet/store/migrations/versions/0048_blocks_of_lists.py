"""Lists of devices are counted by blocks in every order; cells of the map by plan and profiles, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_TRIGGERS = (
    "devices_counted",
    "devices_uncounted",
    "devices_recounted",
    "devices_placed",
    "devices_gone",
    "devices_moved_away",
    "devices_moved_here",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        for trigger in _TRIGGERS:
            op.execute(f"DROP TRIGGER {trigger}")
    whole = "CAST({} AS INTEGER)" if sqlite else "CAST(trunc({}) AS INTEGER)"
    for table, a_degree in (("device_cells", 100), ("device_areas", 10)):
        op.drop_table(table)
        _create(table, *((name, _type(name)) for name in _CELL_KEY), counts=True)
        _fill(_cells(table, a_degree, whole))
    _create(
        "device_text_bounds",
        ("list", sa.Integer()),
        ("subscriber_ref", sa.BigInteger()),
        ("key", _text()),
        ("dev_eui", _text()),
    )
    _create(
        "device_number_bounds",
        ("list", sa.Integer()),
        ("subscriber_ref", sa.BigInteger()),
        ("key", sa.BigInteger()),
        ("device_ref", sa.BigInteger()),
    )
    _create("device_list_counts", *((name, _type(name)) for name in _LIST_KEY), counts=True)
    # All is in the first block at first; it is divided in the background.
    into = "INSERT INTO device_list_counts (list, subscriber_ref, block, health, part, devices) SELECT"
    for which in (0, 1):
        op.execute(
            f"{into} {which}, subscriber_ref, 0, health, 0, sum(devices) FROM device_counts "
            "GROUP BY subscriber_ref, health"
        )
    for which, block in ((2, "0"), (3, "0"), (4, "device_ref >> 12")):
        op.execute(f"{into} {which}, subscriber_ref, {block}, 0, 0, count(*) FROM device_order GROUP BY 2, 3")
    for statement in [f"CREATE TRIGGER {each}" for each in _sqlite()] if sqlite else _postgresql():
        op.get_bind().exec_driver_sql(statement)


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _type(name: str) -> sa.types.TypeEngine[int]:
    return sa.Integer() if name in ("list", "row", "col", "health") else sa.BigInteger()


def _create(table: str, *key: tuple[str, sa.types.TypeEngine[Any]], counts: bool = False) -> None:
    names = [name for name, _type in key]
    last = [sa.Column("block", sa.BigInteger(), nullable=False)]
    if counts:
        names.append("part")
        last = [
            sa.Column("part", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("devices", sa.BigInteger(), nullable=False),
        ]
    op.create_table(
        table,
        *(sa.Column(name, of_type, nullable=False) for name, of_type in key),
        *last,
        sa.PrimaryKeyConstraint(*names, name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )
    if counts and op.get_bind().dialect.name != "sqlite":
        op.create_index(f"ix_{table}_appended", table, ["part"], postgresql_where=sa.text("part <> 0"))


def _fill(counted: _Counted) -> None:
    (values,) = counted.values
    names = ", ".join(counted.key)
    groups = ", ".join(str(number) for number in range(1, len(counted.key) + 1))
    op.execute(
        f"INSERT INTO {counted.table} ({names}, part, devices) "  # noqa: S608 - names of columns
        f"SELECT {values.format(of='devices.')}, 0, count(*) FROM devices "
        f"WHERE {counted.where.format(of='devices.')} GROUP BY {groups}"
    )


class _Counted(NamedTuple):
    """What a count is of: columns of `table`, and for each row of what is counted their values. `{of}` stands
    before columns of that row."""

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    # Columns of what is counted that change the values.
    by: tuple[str, ...]
    where: str = "true"


def _text_block(which: int, column: str) -> str:
    """The block in which a device stands among names or DevEUIs."""
    return (
        "coalesce((SELECT bounds.block FROM device_text_bounds AS bounds "  # noqa: S608 - a number
        f"WHERE bounds.list = {which} AND bounds.subscriber_ref = {{of}}subscriber_ref "
        f"AND (bounds.key, bounds.dev_eui) <= ({{of}}{column}, {{of}}dev_eui) "
        "ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0)"
    )


def _number_block(which: int, column: str) -> str:
    """The same among hours or percentages."""
    return (
        "coalesce((SELECT bounds.block FROM device_number_bounds AS bounds "  # noqa: S608 - a number
        f"WHERE bounds.list = {which} AND bounds.subscriber_ref = {{of}}subscriber_ref "
        f"AND (bounds.key, bounds.device_ref) <= ({{of}}{column}, {{of}}device_ref) "
        "ORDER BY bounds.key DESC, bounds.device_ref DESC LIMIT 1), 0)"
    )


def _in_list(which: int, block: str, health: str) -> str:
    return f"{which}, {{of}}subscriber_ref, {block}, {health}"


_LIST_KEY = ("list", "subscriber_ref", "block", "health")
_CELL_KEY = ("subscriber_ref", "row", "col", "health", "plan_ref", "profile_ref", "routing_profile_ref")


def _cells(table: str, a_degree: int, whole: str) -> _Counted:
    row, col = (
        whole.format(f"({{of}}{column} + {shift}) * {a_degree}")
        for column, shift in (("latitude", "90.0"), ("longitude", "180.0"))
    )
    return _Counted(
        table,
        _CELL_KEY,
        (
            f"{{of}}subscriber_ref, {row}, {col}, {{of}}health, coalesce({{of}}plan_ref, 0), "
            "{of}profile_ref, coalesce({of}routing_profile_ref, 0)",
        ),
        ("latitude", "longitude", "health", "plan_ref", "profile_ref", "routing_profile_ref"),
        "{of}latitude IS NOT NULL AND {of}longitude IS NOT NULL",
    )


def _counted(whole: str) -> dict[str, tuple[_Counted, ...]]:
    """What is counted of the rows of each table; `whole` cuts a number to an integer."""
    block = "{of}%s >> 12"
    return {
        "devices": (
            _Counted(
                "device_counts",
                ("subscriber_ref", "block", "health"),
                (f"{{of}}subscriber_ref, {block % 'ref'}, {{of}}health",),
                ("health",),
            ),
            _cells("device_cells", 100, whole),
            _cells("device_areas", 10, whole),
            _Counted(
                "device_list_counts",
                _LIST_KEY,
                tuple(
                    _in_list(which, _text_block(which, column), "{of}health")
                    for which, column in ((0, "name"), (1, "dev_eui"))
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
                            (2, "heard_hour"),
                            (3, "lost_percent"),
                        )
                    ),
                    _in_list(4, block % "device_ref", "0"),
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
