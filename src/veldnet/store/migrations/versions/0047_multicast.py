"""Multicast groups, their members and frames; tags of base stations; plans have rules for groups."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_PLANS = sa.table("connectivity_plans", sa.column("ref", sa.BigInteger), sa.column("settings", sa.Text))
_MEMBERS = {
    "multicastMaxLrrCells": 200,
    "multicastInterLrrDelay": 5,
    "multicastMaxTransmissions": 3,
    "multicastCollisionDistance": 7000,
}
_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _groups() -> None:
    op.create_table(
        "multicast_groups",
        sa.Column("ref", _REF, primary_key=True),
        sa.Column("subscriber_ref", _REF, sa.ForeignKey("subscribers.ref"), nullable=False),
        sa.Column("dev_eui", _TEXT, nullable=False),
        sa.Column("dev_addr", sa.BigInteger(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("group_class", _TEXT, nullable=False),
        sa.Column("ping_period", sa.Integer()),
        sa.Column("frequency", sa.BigInteger()),
        sa.Column("data_rate", sa.Integer()),
        sa.Column("region", _TEXT, nullable=False),
        sa.Column("plan_ref", _REF, sa.ForeignKey("connectivity_plans.ref")),
        sa.Column("routing_profile_ref", _REF, sa.ForeignKey("routing_profiles.ref")),
        sa.Column("hsm_group_ref", _REF, sa.ForeignKey("hsm_groups.ref")),
        sa.Column("sealed_keys", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_mc_key", sa.LargeBinary()),
        sa.Column("coverage", _TEXT, nullable=False),
        sa.Column("tags", _TEXT, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary()),
        sa.Column("busy", sa.Integer()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", _TEXT, nullable=False),
        sa.UniqueConstraint("dev_eui", name="uq_multicast_groups_dev_eui"),
        sa.UniqueConstraint("dev_addr", name="uq_multicast_groups_dev_addr"),
        sqlite_autoincrement=True,
    )
    for column in ("subscriber_ref", "plan_ref", "routing_profile_ref"):
        op.create_index(f"ix_multicast_groups_{column}", "multicast_groups", [column])
    where = sa.text("busy IS NOT NULL")
    op.create_index(
        "ix_multicast_groups_busy", "multicast_groups", ["ref"], sqlite_where=where, postgresql_where=where
    )


def _frames() -> None:
    op.create_table(
        "multicast_frames",
        sa.Column("id", _REF, primary_key=True, autoincrement=False),
        sa.Column("group_ref", sa.BigInteger(), nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("fport", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("fcnt", sa.BigInteger()),
        sa.Column("correlation_id", _TEXT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("stations", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("causes", _TEXT, nullable=False),
        sa.Column("results", sa.LargeBinary()),
        sa.Column("reason", _TEXT),
    )
    for column in ("group_ref", "subscriber_ref"):
        op.create_index(f"ix_multicast_frames_{column}_id", "multicast_frames", [column, "id"])


def upgrade() -> None:
    _groups()
    op.create_table(
        "multicast_members",
        sa.Column(
            "group_ref", _REF, sa.ForeignKey("multicast_groups.ref", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("device_ref", _REF, sa.ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False),
        sa.PrimaryKeyConstraint("group_ref", "device_ref", name="pk_multicast_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_multicast_members_device_ref", "multicast_members", ["device_ref"])
    _frames()
    op.create_table(
        "base_station_tags",
        sa.Column(
            "base_station_ref", _REF, sa.ForeignKey("base_stations.ref", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("tag", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("base_station_ref", "tag", name="pk_base_station_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_base_station_tags_tag", "base_station_tags", ["tag"])
    connection = op.get_bind()
    for row in connection.execute(sa.select(_PLANS.c.ref, _PLANS.c.settings)).all():
        whole = _MEMBERS | json.loads(row.settings)
        connection.execute(
            sa.update(_PLANS)
            .where(_PLANS.c.ref == row.ref)
            .values(settings=json.dumps(whole, separators=(",", ":"), ensure_ascii=False))
        )
