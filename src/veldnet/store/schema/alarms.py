"""Alarms of devices, base stations and modules of vaults, and who is notified of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from .columns import Ref, Text, metadata, on_postgresql


def _alarm_columns() -> list[Column[Any]]:
    """What an alarm says: state 1 CLEARED to 6 CRITICAL, and up to five details."""
    return [
        Column("type", Integer, nullable=False),
        Column("object", Text, nullable=False),
        Column("state", Integer, nullable=False),
        Column("occurrence", Integer, nullable=False),
        Column("acked", Boolean, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("acked_at", BigInteger),
        Column("ack_author", Text),
        *(Column(f"info{number}", Text) for number in range(1, 6)),
    ]


alarms = Table(
    "alarms",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("device_ref", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    *_alarm_columns(),
    # The frame that raised it, and the base station whose failure is behind it.
    Column("frame_id", BigInteger),
    Column("cause", Text),
    # Recipients hear nothing of it until then; who wanted that.
    Column("muted_until", BigInteger),
    Column("muted_by", Text),
    # The user who looks after it.
    Column("assignee_ref", BigInteger),
    UniqueConstraint("device_ref", "type", "object"),
    Index("ix_alarms_subscriber_ref_updated_at_ref", "subscriber_ref", "updated_at", "ref"),
    # The counts of a subscriber's alarms read this alone.
    Index(
        "ix_alarms_unacknowledged",
        "subscriber_ref",
        "device_ref",
        "state",
        sqlite_where=text("acked IS 0"),
        info=on_postgresql(where=text("acked IS false")),
    ),
    sqlite_autoincrement=True,
)

# What people have written about an alarm.
alarm_comments = Table(
    "alarm_comments",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("alarm_ref", ForeignKey("alarms.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)

# What an alarm was before it was cleared.
alarm_history = Table(
    "alarm_history",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("device_ref", BigInteger, nullable=False),
    Column("cleared_at", BigInteger, nullable=False),
    *_alarm_columns(),
    Index("ix_alarm_history_device_ref_cleared_at", "device_ref", "cleared_at"),
    Index("ix_alarm_history_cleared_at", "cleared_at"),
    sqlite_autoincrement=True,
)

base_station_alarms = Table(
    "base_station_alarms",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("base_station", BigInteger, nullable=False),
    *_alarm_columns(),
    UniqueConstraint("base_station", "type", "object"),
    sqlite_autoincrement=True,
)

# Modules of vaults that cannot work; by the name of vault and module.
module_alarms = Table(
    "module_alarms",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("module", Text, nullable=False),
    *_alarm_columns(),
    UniqueConstraint("module", "type", "object"),
    sqlite_autoincrement=True,
)

# Who is notified of alarms: `scope` 1 a subscriber, of devices; 2 an operator, of base stations.
notification_settings = Table(
    "notification_settings",
    metadata,
    Column("scope", Integer, nullable=False),
    Column("scope_ref", BigInteger, nullable=False),
    Column("settings", Text, nullable=False),
    Column("sealed_secret", LargeBinary),
    PrimaryKeyConstraint("scope", "scope_ref"),
)

# Alarm changes of which recipients have not been notified yet.
notifications = Table(
    "notifications",
    metadata,
    Column("id", Ref, primary_key=True, autoincrement=False),
    Column("scope", Integer, nullable=False),
    Column("scope_ref", BigInteger, nullable=False),
    Column("event", LargeBinary, nullable=False),
)
