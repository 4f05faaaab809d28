"""Base stations: what could not be read of them, and where their downlinks went last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("refused_frames", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("last_refusal", sa.Text()),
        sa.Column("last_refusal_at", sa.BigInteger()),
        sa.Column("irregular_frames", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("last_irregularity", sa.Text()),
        sa.Column("last_irregularity_at", sa.BigInteger()),
        sa.Column("duplicate_addresses", sa.Text()),
        sa.Column("clock_error", sa.Float()),
        sa.Column("downlink_host", sa.Text()),
        sa.Column("downlink_port", sa.Integer()),
        sa.Column("downlink_version", sa.Integer()),
        sa.Column("downlink_heard_at", sa.BigInteger()),
    ):
        op.add_column("base_stations", column)
    op.add_column(
        "hourly_statistics", sa.Column("unmeasured", sa.BigInteger(), nullable=False, server_default="0")
    )
