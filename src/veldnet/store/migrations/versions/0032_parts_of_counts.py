"""Counts of devices in parts, which writers of PostgreSQL append; in SQLite there is one part."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
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


def _add_part(table: str, key: tuple[str, ...]) -> None:
    names = ", ".join((*key, "devices"))
    op.rename_table(table, f"{table}_before")
    op.create_table(
        table,
        *(sa.Column(name, _type(name), nullable=False) for name in key),
        sa.Column("part", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*key, "part", name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}_before")  # noqa: S608
    op.drop_table(f"{table}_before")


def _type(name: str) -> sa.types.TypeEngine[int]:
    return sa.BigInteger() if name in ("subscriber_ref", "block") else sa.Integer()


def _cell(of: str) -> str:
    return f"CAST(({of}latitude + 90.0) * 100 AS INTEGER), CAST(({of}longitude + 180.0) * 100 AS INTEGER)"


def _create_triggers() -> None:
    add = (
        "INSERT INTO device_counts (subscriber_ref, block, health, part, devices) "
        "VALUES (NEW.subscriber_ref, NEW.ref >> 12, NEW.health, 0, 1) "
        "ON CONFLICT (subscriber_ref, block, health, part) DO UPDATE SET devices = devices + 1;"
    )
    take = (
        "UPDATE device_counts SET devices = devices - 1 "
        "WHERE subscriber_ref = OLD.subscriber_ref AND block = OLD.ref >> 12 AND health = OLD.health "
        "AND part = 0;"
    )
    place = (
        "INSERT INTO device_cells (subscriber_ref, row, col, health, part, devices) "  # noqa: S608
        f"VALUES (NEW.subscriber_ref, {_cell('NEW.')}, NEW.health, 0, 1) "
        "ON CONFLICT (subscriber_ref, row, col, health, part) DO UPDATE SET devices = devices + 1;"
    )
    leave = (
        "UPDATE device_cells SET devices = devices - 1 "  # noqa: S608
        f"WHERE subscriber_ref = OLD.subscriber_ref AND (row, col) = ({_cell('OLD.')}) "
        "AND health = OLD.health AND part = 0;"
    )
    new, old = (f"{of}.latitude IS NOT NULL AND {of}.longitude IS NOT NULL" for of in ("NEW", "OLD"))
    moved = "AFTER UPDATE OF latitude, longitude, health ON devices"
    for trigger in (
        f"devices_counted AFTER INSERT ON devices BEGIN {add} END",
        f"devices_uncounted AFTER DELETE ON devices BEGIN {take} END",
        f"devices_recounted AFTER UPDATE OF health ON devices WHEN OLD.health <> NEW.health "
        f"BEGIN {take} {add} END",
        f"devices_placed AFTER INSERT ON devices WHEN {new} BEGIN {place} END",
        f"devices_gone AFTER DELETE ON devices WHEN {old} BEGIN {leave} END",
        f"devices_moved_away {moved} WHEN {old} BEGIN {leave} END",
        f"devices_moved_here {moved} WHEN {new} BEGIN {place} END",
    ):
        op.execute(f"CREATE TRIGGER {trigger}")


def upgrade() -> None:
    for name in _TRIGGERS:
        op.execute(f"DROP TRIGGER {name}")
    _add_part("device_counts", ("subscriber_ref", "block", "health"))
    _add_part("device_cells", ("subscriber_ref", "row", "col", "health"))
    _create_triggers()
