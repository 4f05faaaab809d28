"""What base stations hear, by cells of the map."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_KEY = ("subscriber_ref", "level", "row", "col", "base_station")


def upgrade() -> None:
    op.create_table(
        "coverage",
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("col", sa.Integer(), nullable=False),
        sa.Column("base_station", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("esp", sa.Float(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_coverage"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_coverage_last_at", "coverage", ["last_at"])
