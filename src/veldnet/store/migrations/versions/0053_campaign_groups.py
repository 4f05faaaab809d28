"""Campaigns have multicast groups of their own, which are sent to in sessions. Device profiles say on which
port devices take the set-up of groups."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None
# Nodes of the revision before cannot read device profiles that name the port.
two_steps = False

_PROFILES = sa.table("device_profiles", sa.column("ref", sa.BigInteger), sa.column("settings", sa.Text))
_PORT = {"multicastSetupPort": 200}
_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_PROFILES.c.ref, _PROFILES.c.settings)).all():
        whole = _PORT | json.loads(row.settings)
        connection.execute(
            sa.update(_PROFILES)
            .where(_PROFILES.c.ref == row.ref)
            .values(settings=json.dumps(whole, separators=(",", ":"), ensure_ascii=False))
        )
    op.add_column("campaigns", sa.Column("group_ref", sa.BigInteger()))
    op.create_index("ix_campaigns_group_ref", "campaigns", ["group_ref"])
    op.add_column("campaign_devices", sa.Column("session", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "campaign_sessions",
        sa.Column("campaign_ref", _REF, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("spacing", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_ref"],
            ["campaigns.ref"],
            name="fk_campaign_sessions_campaign_ref",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_ref", "number", name="pk_campaign_sessions"),
        sqlite_with_rowid=False,
    )
