"""What was measured at base stations by hours, and when they were away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "base_station_hours",
        sa.Column("base_station", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("observed", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("measures", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("base_station", "hour", name="pk_base_station_hours"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_base_station_hours_hour", "base_station_hours", ["hour", "base_station", "observed", "down"]
    )
    op.create_table(
        "base_station_outages",
        sa.Column("base_station", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("base_station", "began_at", name="pk_base_station_outages"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_base_station_outages_ended_at", "base_station_outages", ["ended_at"])
