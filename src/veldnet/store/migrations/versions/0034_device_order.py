"""Devices by the hour of their last uplink and by their error rate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_order",
        sa.Column(
            "device_ref",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("heard_hour", sa.Integer(), nullable=False),
        sa.Column("lost_percent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_ref"], ["devices.ref"], name="fk_device_order_device_ref", ondelete="CASCADE"
        ),
    )
    for name in ("heard_hour", "lost_percent"):
        op.create_index(f"ix_device_order_{name}", "device_order", ["subscriber_ref", name, "device_ref"])
