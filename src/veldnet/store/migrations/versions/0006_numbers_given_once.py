"""Numbers are never given again: not of rows that are gone, nor of base stations that were removed, nor ids
of frames after the clock was set back."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLES = (
    *("operators", "subscribers", "users", "operator_users", "projects", "connectivity_plans"),
    *("device_profiles", "hsm_groups", "routing_profiles", "exchange_keys", "base_stations", "alarm_history"),
)
# Base station ids that the network gave: FF000000 and the number of the base station.
_FIRST_ID = 0xFF000000
_MOST_GIVEN = 0x00FFFFFF

# Where else than in foreign keys a table's numbers stand. A later row's number must be above all of them.
_MENTIONS = {
    "operators": (
        "SELECT max(operator_ref) FROM audit",
        "SELECT max(scope_ref) FROM notification_settings WHERE scope = 2",
        "SELECT max(scope_ref) FROM notifications WHERE scope = 2",
        "SELECT max(ref) FROM changes WHERE kind = 'subscribers'",
    ),
    "subscribers": (
        "SELECT max(subscriber_ref) FROM audit",
        "SELECT max(subscriber_ref) FROM alarms",
        "SELECT max(subscriber_ref) FROM deliveries",
        "SELECT max(subscriber_ref) FROM device_cells",
        "SELECT max(subscriber_ref) FROM device_counts",
        "SELECT max(subscriber_ref) FROM frames",
        "SELECT max(subscriber_ref) FROM projects",
        "SELECT max(scope_ref) FROM hourly_statistics WHERE scope = 1",
        "SELECT max(scope_ref) FROM notification_settings WHERE scope = 1",
        "SELECT max(scope_ref) FROM notifications WHERE scope = 1",
    ),
    "users": (
        "SELECT max(CAST(substr(account, 6) AS INTEGER)) FROM preferences WHERE account LIKE 'user-%'",
    ),
    "operator_users": (
        "SELECT max(CAST(substr(account, 10) AS INTEGER)) FROM preferences WHERE account LIKE 'operator-%'",
    ),
    "connectivity_plans": (
        "SELECT max(plan_ref) FROM frames",
        "SELECT max(scope_ref) FROM hourly_statistics WHERE scope = 2",
    ),
    "routing_profiles": (
        # A queue begins with the number of its routing profile.
        "SELECT max(CAST(lane AS INTEGER)) FROM deliveries",
        "SELECT max(ref) FROM changes WHERE kind = 'routing'",
    ),
    "base_stations": ("SELECT max(ref) FROM changes WHERE kind = 'base_stations'",),
}
# How the audit log calls them, in lower case; the number is the last word.
_WORDS = {
    "users": ("user", "subscriber user"),
    "operator_users": ("user", "operator user"),
    "projects": ("project", "projectview"),
    "connectivity_plans": ("connectivityplan",),
    "device_profiles": ("deviceprofile",),
    "routing_profiles": ("routingprofile",),
}
_COPY = struct.Struct("<Ihh")


def upgrade() -> None:
    op.create_table(
        "retired_base_stations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retired_base_stations"),
    )
    op.create_table(
        "id_marks",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partition", name="pk_id_marks"),
    )
    op.create_table(
        "id_steps",
        sa.Column("first_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ahead", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("first_id", name="pk_id_steps"),
    )
    connection = op.get_bind()
    stations = _stations_mentioned(connection)
    if connection.dialect.name == "sqlite":
        for table in _TABLES:
            _rebuild(connection, table)
            _go_on_behind(connection, table, _highest_mentioned(connection, table, stations))
    _retire(connection, stations)
    _set_aside(connection)


def _rebuild(connection: sa.Connection, table: str) -> None:
    """SQLite gives the highest number again after its row was deleted, unless the table's definition says
    AUTOINCREMENT, which cannot be added to a table. Foreign keys are not enforced meanwhile (see
    `alembic_chain`): other tables go on naming this one."""
    run = connection.exec_driver_sql
    mine = "FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL AND"
    definition = run(f"SELECT sql {mine} type = 'table'", (table,)).scalar_one()
    others = run(f"SELECT sql {mine} type <> 'table'", (table,)).scalars().all()
    changed, keys = re.subn(r"PRIMARY KEY \(ref\)", "PRIMARY KEY (ref AUTOINCREMENT)", definition)
    changed, names = re.subn(rf'^CREATE TABLE "?{table}"?', f"CREATE TABLE {table}_after", changed)
    if (keys, names) != (1, 1):
        raise RuntimeError(f"table {table} is not as version 0005 made it")
    run(changed)
    run(f"INSERT INTO {table}_after SELECT * FROM {table} ORDER BY ref")  # noqa: S608 - a name of ours
    run(f"DROP TABLE {table}")
    run(f"ALTER TABLE {table}_after RENAME TO {table}")
    for other in others:
        run(other)


def _go_on_behind(connection: sa.Connection, table: str, highest: int) -> None:
    run = connection.exec_driver_sql
    given = run("SELECT max(seq) FROM sqlite_sequence WHERE name = ?", (table,)).scalar() or 0
    run("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
    run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, max(given, highest)))


def _highest_mentioned(connection: sa.Connection, table: str, stations: Iterable[int]) -> int:
    found = [connection.exec_driver_sql(query).scalar() or 0 for query in _MENTIONS.get(table, ())]
    words = _WORDS.get(table, ())
    if words:
        for text in connection.exec_driver_sql("SELECT DISTINCT object FROM audit").scalars():
            word, _blank, number = text.rpartition(" ")
            # Longer numbers are no references: customer ids have nine digits.
            if word.lower() in words and number.isascii() and number.isdigit() and len(number) < 9:
                found.append(int(number))
    if table == "base_stations":
        found += [
            station - _FIRST_ID for station in stations if _FIRST_ID < station <= _FIRST_ID + _MOST_GIVEN
        ]
    return max(found, default=0)


def _stations_mentioned(connection: sa.Connection) -> set[int]:
    """Every base station that statistics, alarms or frames tell of."""
    run = connection.exec_driver_sql
    found = set(run("SELECT DISTINCT scope_ref FROM hourly_statistics WHERE scope = 3").scalars())
    found |= set(run("SELECT DISTINCT base_station FROM base_station_alarms").scalars())
    found |= set(run("SELECT DISTINCT base_station FROM frames WHERE base_station IS NOT NULL").scalars())
    for heard in run("SELECT heard FROM frames WHERE heard IS NOT NULL").scalars():
        found.update(copy[0] for copy in _COPY.iter_unpack(heard))
    for text in run("SELECT DISTINCT object FROM audit WHERE action LIKE 'baseStation.%'").scalars():
        identifier = text.rpartition(" ")[2]
        if re.fullmatch(r"[0-9A-F]{8}", identifier):
            found.add(int(identifier, 16))
    return found


def _retire(connection: sa.Connection, stations: Iterable[int]) -> None:
    run = connection.exec_driver_sql
    live = set(run("SELECT id FROM base_stations").scalars())
    for station in sorted(stations):
        identifier = f"{station:08X}"
        if identifier not in live:
            run("INSERT INTO retired_base_stations (id, retired_at) VALUES (?, 0)", (identifier,))


def _set_aside(connection: sa.Connection) -> None:
    """What belongs to something that was deleted before: messages are undelivered, saved views gone."""
    run = connection.exec_driver_sql
    run(
        "UPDATE deliveries SET state = 1, last_error = 'the routing profile was deleted' WHERE state = 0 AND "
        "NOT EXISTS (SELECT 1 FROM routing_profiles p WHERE p.ref = CAST(deliveries.lane AS INTEGER) "
        "AND p.subscriber_ref = deliveries.subscriber_ref)"
    )
    run(
        "UPDATE deliveries SET state = 1, last_error = 'the device was deleted' WHERE state = 0 AND "
        "device_ref NOT IN (SELECT ref FROM devices)"
    )
    run(
        "DELETE FROM preferences WHERE NOT (account LIKE 'user-%' AND CAST(substr(account, 6) AS INTEGER) IN "
        "(SELECT ref FROM users) OR account LIKE 'operator-%' AND CAST(substr(account, 10) AS INTEGER) IN "
        "(SELECT ref FROM operator_users))"
    )
