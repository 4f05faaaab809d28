"""Alarms, statistics, health, notifications and the audit log."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTERS = (
    *("uplinks", "uplinks_late", "uplink_bytes", "late_bytes", "lost", "rssi", "snr", "esp", "per"),
    *("uplink_airtime", "sf7", "sf8", "sf9", "sf10", "sf11", "sf12", "sf_other", "uplinks_over"),
    *("downlinks_sent", "downlinks_failed", "sent_bytes", "failed_bytes", "downlink_airtime"),
    *("downlinks_over", "joins", "joins_refused", "refused"),
)


def _alarm_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("acked", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("acked_at", sa.BigInteger()),
        sa.Column("ack_author", sa.Text()),
        *(sa.Column(f"info{number}", sa.Text()) for number in range(1, 6)),
    ]


def upgrade() -> None:
    _widen()
    _rebuild_frames()
    _create()
    _count_devices()
    _rename_status_requests()


def _widen() -> None:
    op.add_column("devices", sa.Column("health", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("device_states", sa.Column("watch", sa.LargeBinary()))
    op.add_column("device_states", sa.Column("check_at", sa.BigInteger()))
    op.create_index("ix_devices_subscriber_ref_health_ref", "devices", ["subscriber_ref", "health", "ref"])
    due = sa.text("check_at IS NOT NULL")
    op.create_index(
        "ix_device_states_check_at", "device_states", ["check_at"], sqlite_where=due, postgresql_where=due
    )


def _rebuild_frames() -> None:
    """Frames with what statistics need, those of a device side by side."""
    op.rename_table("frames", "frames_before")
    old = (
        *("id", "device_ref", "kind", "outcome", "fcnt", "fport", "size", "rssi", "snr", "data_rate"),
        *("base_station", "copies"),
    )
    op.create_table(
        "frames",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("fcnt", sa.BigInteger()),
        sa.Column("fport", sa.Integer()),
        sa.Column("size", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in ("rssi", "snr", "data_rate")),
        sa.Column("base_station", sa.BigInteger()),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger()),
        sa.Column("flags", sa.Integer(), nullable=False, server_default="0"),
        *(sa.Column(name, sa.Integer()) for name in ("gap", "airtime", "sf")),
        sa.Column("heard", sa.LargeBinary()),
        *(sa.Column(name, sa.BigInteger()) for name in ("subscriber_ref", "plan_ref")),
        *(sa.Column(name, sa.Integer()) for name in ("battery", "margin")),
        sa.PrimaryKeyConstraint("device_ref", "id", name="pk_frames"),
        sqlite_with_rowid=False,
    )
    names = ", ".join(old)
    op.execute(
        f"INSERT INTO frames ({names}) SELECT {names} FROM frames_before "  # noqa: S608 - names of columns
        "ORDER BY device_ref, id"
    )
    op.drop_table("frames_before")
    op.create_index("ix_frames_id", "frames", ["id"], unique=True)


def _create() -> None:
    op.create_table(
        "device_counts",
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("health", sa.Integer(), nullable=False),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_ref", "block", "health", name="pk_device_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "alarms",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        *_alarm_columns(),
        sa.PrimaryKeyConstraint("ref", name="pk_alarms"),
        sa.UniqueConstraint("device_ref", "type", "object", name="uq_alarms_device_ref_type_object"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_alarms_subscriber_ref_updated_at_ref", "alarms", ["subscriber_ref", "updated_at", "ref"]
    )
    op.create_table(
        "alarm_history",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=False),
        *_alarm_columns(),
        sa.PrimaryKeyConstraint("ref", name="pk_alarm_history"),
    )
    op.create_index("ix_alarm_history_device_ref_cleared_at", "alarm_history", ["device_ref", "cleared_at"])
    op.create_index("ix_alarm_history_cleared_at", "alarm_history", ["cleared_at"])
    op.create_table(
        "base_station_alarms",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("base_station", sa.BigInteger(), nullable=False),
        *_alarm_columns(),
        sa.PrimaryKeyConstraint("ref", name="pk_base_station_alarms"),
        sa.UniqueConstraint(
            "base_station", "type", "object", name="uq_base_station_alarms_base_station_type_object"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "hourly_statistics",
        sa.Column("scope", sa.Integer(), nullable=False),
        sa.Column("scope_ref", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTERS),
        sa.PrimaryKeyConstraint("scope", "scope_ref", "hour", name="pk_hourly_statistics"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_hourly_statistics_hour", "hourly_statistics", ["hour"])
    op.create_table(
        "notification_settings",
        sa.Column("scope", sa.Integer(), nullable=False),
        sa.Column("scope_ref", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("scope", "scope_ref", name="pk_notification_settings"),
    )
    op.create_table(
        "notifications",
        sa.Column("id", _REF, nullable=False),
        sa.Column("scope", sa.Integer(), nullable=False),
        sa.Column("scope_ref", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
    )
    op.create_table(
        "audit",
        sa.Column("id", _REF, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_subscriber_ref_id", "audit", ["subscriber_ref", "id"])


def _count_devices() -> None:
    """Devices that have spoken are active; from now on triggers count them."""
    op.execute(
        "UPDATE devices SET health = 1 WHERE ref IN "
        "(SELECT device_ref FROM device_states WHERE dev_addr IS NOT NULL)"
    )
    op.execute(
        "INSERT INTO device_counts (subscriber_ref, block, health, devices) "
        "SELECT subscriber_ref, ref >> 12, health, COUNT(*) FROM devices "
        "GROUP BY subscriber_ref, ref >> 12, health"
    )
    add = (
        "INSERT INTO device_counts (subscriber_ref, block, health, devices) "
        "VALUES (NEW.subscriber_ref, NEW.ref >> 12, NEW.health, 1) "
        "ON CONFLICT (subscriber_ref, block, health) DO UPDATE SET devices = devices + 1;"
    )
    take = (
        "UPDATE device_counts SET devices = devices - 1 "
        "WHERE subscriber_ref = OLD.subscriber_ref AND block = OLD.ref >> 12 AND health = OLD.health;"
    )
    op.execute(f"CREATE TRIGGER devices_counted AFTER INSERT ON devices BEGIN {add} END")
    op.execute(f"CREATE TRIGGER devices_uncounted AFTER DELETE ON devices BEGIN {take} END")
    op.execute(
        "CREATE TRIGGER devices_recounted AFTER UPDATE OF health ON devices "
        f"WHEN OLD.health <> NEW.health BEGIN {take} {add} END"
    )


def _rename_status_requests() -> None:
    """Plans say how often DevStatusReq is sent with ThingPark's names."""
    connection = op.get_bind()
    plans = sa.table("connectivity_plans", sa.column("ref"), sa.column("settings"))
    for row in connection.execute(sa.select(plans.c.ref, plans.c.settings)).all():
        settings = json.loads(row.settings)
        if "deviceStatusRequestsPerDay" in settings:
            settings["deviceStatusRequestFrequency"] = settings.pop("deviceStatusRequestsPerDay")
            connection.execute(
                plans.update().where(plans.c.ref == row.ref).values(settings=json.dumps(settings))
            )
