"""Campaigns: a file for many devices, how far each is, and what they have answered. Device profiles say on
which ports devices take fragments and firmware commands."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_PROFILES = sa.table("device_profiles", sa.column("ref", sa.BigInteger), sa.column("settings", sa.Text))
_PORTS = {"fragmentationPort": 201, "firmwarePort": 203}
# Compared by code points in both engines.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_PROFILES.c.ref, _PROFILES.c.settings)).all():
        whole = _PORTS | json.loads(row.settings)
        connection.execute(
            sa.update(_PROFILES)
            .where(_PROFILES.c.ref == row.ref)
            .values(settings=json.dumps(whole, separators=(",", ":"), ensure_ascii=False))
        )
    _create_campaigns()
    _create_devices()
    op.create_table(
        "campaign_events",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.Column("fport", sa.Integer()),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("waiting", sa.Integer()),
        sa.Column("base_station", sa.BigInteger()),
        sa.Column("airtime", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_campaign_events"),
    )


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("ref", _REF, nullable=False, autoincrement=True),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _TEXT, nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("options", _TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_ref"], ["subscribers.ref"], name="fk_campaigns_subscriber_ref"),
        sa.PrimaryKeyConstraint("ref", name="pk_campaigns"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_campaigns_subscriber_ref", "campaigns", ["subscriber_ref"])
    op.create_index("ix_campaigns_state", "campaigns", ["state"])


def _create_devices() -> None:
    op.create_table(
        "campaign_devices",
        sa.Column("campaign_ref", _REF, nullable=False),
        sa.Column("device_ref", _REF, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("reason", _TEXT),
        sa.Column("sent", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("target", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("missing", sa.Integer()),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("rounds", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("held", sa.Boolean(), nullable=False, server_default="0"),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_ref"],
            ["campaigns.ref"],
            name="fk_campaign_devices_campaign_ref",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["device_ref"], ["devices.ref"], name="fk_campaign_devices_device_ref", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_ref", "device_ref", name="pk_campaign_devices"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_campaign_devices_campaign_ref_due_at", "campaign_devices", ["campaign_ref", "due_at"])
    op.create_index("ix_campaign_devices_device_ref", "campaign_devices", ["device_ref"])
