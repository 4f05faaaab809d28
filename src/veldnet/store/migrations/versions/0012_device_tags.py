"""Tags of devices, as an index for filters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _belongs(column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.ref"], name=f"fk_device_tags_{column}", ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "device_tags",
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_ref", "tag", "device_ref", name="pk_device_tags"),
        _belongs("subscriber_ref", "subscribers"),
        _belongs("device_ref", "devices"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_device_tags_device_ref", "device_tags", ["device_ref"])
