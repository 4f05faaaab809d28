"""Which base stations hear each device, what base stations are worth, and the weekly reports on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hearing",
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.Column("base_station", sa.BigInteger(), nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("margin", sa.Float()),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_ref", "base_station", name="pk_hearing"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_hearing_base_station", "hearing", ["base_station"])
    op.create_index("ix_hearing_last_at", "hearing", ["last_at"])
    op.create_table(
        "base_station_worth",
        sa.Column("operator_ref", sa.BigInteger(), nullable=False),
        sa.Column("base_station", sa.BigInteger(), nullable=False),
        sa.Column("computed_at", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("devices", "only", "weak", "best", "improved")
        ),
        sa.PrimaryKeyConstraint("operator_ref", "base_station", name="pk_base_station_worth"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coverage_reports",
        sa.Column("operator_ref", sa.BigInteger(), nullable=False),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("mailed_at", sa.BigInteger()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("operator_ref", "begin_at", name="pk_coverage_reports"),
    )
