"""The worst alarm of each device that nobody has acknowledged stands in its row, kept by triggers on
`alarms`; counts of devices and of cells of the map are by it, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None
# The counts have another key, by which programs before cannot add up what was appended to them.
two_steps = False

_TRIGGERS = (
    "devices_counted_on_insert",
    "devices_counted_on_delete",
    "devices_in_device_counts",
    "devices_in_device_cells",
    "devices_in_device_areas",
    "devices_in_device_list_counts",
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        for trigger in _TRIGGERS:
            op.execute(f"DROP TRIGGER {trigger}")
    else:
        # Nothing is counted while all that is counted is made again.
        op.execute("ALTER TABLE devices DISABLE TRIGGER USER")
    op.add_column("devices", sa.Column("alarm", sa.Integer(), nullable=False, server_default="0"))
    unacknowledged = "acked IS 0" if sqlite else "acked IS false"
    op.execute(
        "UPDATE devices SET alarm = (SELECT max(state) FROM alarms "  # noqa: S608 - a condition
        f"WHERE device_ref = devices.ref AND {unacknowledged}) WHERE ref IN "
        f"(SELECT device_ref FROM alarms WHERE {unacknowledged})"
    )
    op.create_index(
        "ix_devices_subscriber_ref_alarm_ref", "devices", ["subscriber_ref", "alarm", "ref", "health"]
    )
    op.drop_index("ix_alarms_unacknowledged_state", "alarms")
    whole = "CAST({} AS INTEGER)" if sqlite else "CAST(trunc({}) AS INTEGER)"
    for counted in _counted(whole)[:3]:
        op.drop_table(counted.table)
        _create(counted)
        _fill(counted)
    if not sqlite:
        op.execute("ALTER TABLE devices ENABLE TRIGGER USER")
    for statement in (
        [*(f"CREATE TRIGGER {each}" for each in _sqlite()), *_sqlite_worst()]
        if sqlite
        else [*_postgresql(), *_postgresql_worst()]
    ):
        op.get_bind().exec_driver_sql(statement)


class _Counted(NamedTuple):
    """What a count is of devices: for each the values of a key. `{of}` stands before columns of it."""

    table: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    # Columns of devices that change the values.
    by: tuple[str, ...]
    where: str = "true"


def _create(counted: _Counted) -> None:
    names = [*counted.key, "part"]
    op.create_table(
        counted.table,
        *(sa.Column(name, _type(name), nullable=False) for name in counted.key),
        sa.Column("part", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*names, name=f"pk_{counted.table}"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name != "sqlite":
        where = sa.text("part <> 0")
        op.create_index(f"ix_{counted.table}_appended", counted.table, ["part"], postgresql_where=where)


def _type(name: str) -> sa.types.TypeEngine[int]:
    return sa.Integer() if name in ("row", "col", "health", "alarm") else sa.BigInteger()


def _fill(counted: _Counted) -> None:
    (values,) = counted.values
    names = ", ".join(counted.key)
    groups = ", ".join(str(number) for number in range(1, len(counted.key) + 1))
    op.execute(
        f"INSERT INTO {counted.table} ({names}, part, devices) "  # noqa: S608 - names of columns
        f"SELECT {values.format(of='devices.')}, 0, count(*) FROM devices "
        f"WHERE {counted.where.format(of='devices.')} GROUP BY {groups}"
    )


def _text_block(which: int, column: str) -> str:
    """The block in which a device stands among names or DevEUIs."""
    return (
        "coalesce((SELECT bounds.block FROM device_text_bounds AS bounds "  # noqa: S608 - a number
        f"WHERE bounds.list = {which} AND bounds.subscriber_ref = {{of}}subscriber_ref "
        f"AND (bounds.key, bounds.dev_eui) <= ({{of}}{column}, {{of}}dev_eui) "
        "ORDER BY bounds.key DESC, bounds.dev_eui DESC LIMIT 1), 0)"
    )


def _cells(table: str, a_degree: int, whole: str) -> _Counted:
    row, col = (
        whole.format(f"({{of}}{column} + {shift}) * {a_degree}")
        for column, shift in (("latitude", "90.0"), ("longitude", "180.0"))
    )
    kinds = ("plan_ref", "profile_ref", "routing_profile_ref")
    return _Counted(
        table,
        ("subscriber_ref", "row", "col", "health", "alarm", *kinds),
        (
            f"{{of}}subscriber_ref, {row}, {col}, {{of}}health, {{of}}alarm, coalesce({{of}}plan_ref, 0), "
            "{of}profile_ref, coalesce({of}routing_profile_ref, 0)",
        ),
        ("latitude", "longitude", "health", "alarm", *kinds),
        "{of}latitude IS NOT NULL AND {of}longitude IS NOT NULL",
    )


def _counted(whole: str) -> tuple[_Counted, ...]:
    """What is counted of devices; `whole` cuts a number to an integer."""
    return (
        _Counted(
            "device_counts",
            ("subscriber_ref", "block", "health", "alarm"),
            ("{of}subscriber_ref, {of}ref >> 12, {of}health, {of}alarm",),
            ("health", "alarm"),
        ),
        _cells("device_cells", 100, whole),
        _cells("device_areas", 10, whole),
        _Counted(
            "device_list_counts",
            ("list", "subscriber_ref", "block", "health"),
            tuple(
                f"{which}, {{of}}subscriber_ref, {_text_block(which, column)}, {{of}}health"
                for which, column in ((0, "name"), (1, "dev_eui"))
            ),
            ("name", "dev_eui", "health"),
        ),
    )


def _sqlite() -> Iterator[str]:
    def change(counted: _Counted, of: str, number: int) -> str:
        names = ", ".join(counted.key)
        return " ".join(
            f"INSERT INTO {counted.table} ({names}, part, devices) "
            f"SELECT {values.format(of=of)}, 0, {number} WHERE {counted.where.format(of=of)} "
            f"ON CONFLICT ({names}, part) DO UPDATE SET devices = devices + excluded.devices;"
            for values in counted.values
        )

    all_counted = _counted("CAST({} AS INTEGER)")
    for when, of, number in (("INSERT", "NEW.", 1), ("DELETE", "OLD.", -1)):
        body = " ".join(change(counted, of, number) for counted in all_counted)
        yield f"devices_counted_on_{when.lower()} AFTER {when} ON devices BEGIN {body} END"
    for counted in all_counted:
        changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in counted.by)
        yield (
            f"devices_in_{counted.table} AFTER UPDATE OF {', '.join(counted.by)} ON devices "
            f"WHEN {changed} BEGIN {change(counted, 'OLD.', -1)} {change(counted, 'NEW.', 1)} END"
        )


def _postgresql() -> Iterator[str]:
    """The functions that triggers call."""

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
    for operation, changes in (("insert", (new,)), ("delete", (old,)), ("update", (old, new))):
        body = " ".join(append(counted, changes) for counted in _counted("CAST(trunc({}) AS INTEGER)"))
        yield (
            f"CREATE OR REPLACE FUNCTION devices_counted_on_{operation}() RETURNS trigger "
            "LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$"
        )


_WORST = "coalesce((SELECT max(state) FROM alarms WHERE device_ref = {} AND acked IS {}), 0)"


def _sqlite_worst() -> tuple[str, ...]:
    worst = _WORST.format("devices.ref", "0")
    look = f"UPDATE devices SET alarm = {worst} WHERE ref = {{}}.device_ref AND alarm <> {worst};"  # noqa: S608
    return (
        "CREATE TRIGGER alarms_worst_on_insert AFTER INSERT ON alarms WHEN NEW.acked IS 0 "
        "BEGIN UPDATE devices SET alarm = NEW.state WHERE ref = NEW.device_ref AND alarm < NEW.state; END",
        "CREATE TRIGGER alarms_worst_on_update AFTER UPDATE OF state, acked ON alarms "
        f"WHEN OLD.state <> NEW.state OR OLD.acked <> NEW.acked BEGIN {look.format('NEW')} END",
        "CREATE TRIGGER alarms_worst_on_delete AFTER DELETE ON alarms WHEN OLD.acked IS 0 "
        f"BEGIN {look.format('OLD')} END",
    )


def _postgresql_worst() -> tuple[str, ...]:
    """Once a statement: a commit raises many alarms at once."""

    def look(changed: str) -> str:
        worst = _WORST.format("changed.device_ref", "false")
        return (
            f"UPDATE devices SET alarm = worst.state FROM (SELECT device_ref, {worst} AS state "  # noqa: S608
            f"FROM ({changed}) AS changed) AS worst "
            "WHERE devices.ref = worst.device_ref AND devices.alarm <> worst.state;"
        )

    bodies = {
        ("insert", "NEW TABLE AS new_rows"): (
            "UPDATE devices SET alarm = worst.state FROM (SELECT device_ref, max(state) AS state "
            "FROM new_rows WHERE acked IS false GROUP BY device_ref) AS worst "
            "WHERE devices.ref = worst.device_ref AND devices.alarm < worst.state;"
        ),
        ("update", "OLD TABLE AS old_rows NEW TABLE AS new_rows"): look(
            "SELECT DISTINCT new_rows.device_ref FROM new_rows JOIN old_rows ON old_rows.ref = new_rows.ref "
            "WHERE old_rows.state <> new_rows.state OR old_rows.acked <> new_rows.acked"
        ),
        ("delete", "OLD TABLE AS old_rows"): look(
            "SELECT DISTINCT device_ref FROM old_rows WHERE acked IS false"
        ),
    }
    statements = []
    for (operation, tables), body in bodies.items():
        name = f"alarms_worst_on_{operation}"
        statements += [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$",
            f"CREATE OR REPLACE TRIGGER {name} AFTER {operation.upper()} ON alarms REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        ]
    return tuple(statements)
