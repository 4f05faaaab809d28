"""Firmware for base stations, and how far its updates have come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def _ref() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("ref", kind, primary_key=True, autoincrement=True)


def upgrade() -> None:
    op.create_table(
        "firmware",
        _ref(),
        sa.Column("operator_ref", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operator_ref"], ["operators.ref"], name="fk_firmware_operator_ref"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_firmware_operator_ref", "firmware", ["operator_ref"])
    op.create_table(
        "firmware_parts",
        sa.Column("firmware_ref", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("firmware_ref", "number", name="pk_firmware_parts"),
    )
    op.create_table(
        "firmware_signatures",
        sa.Column("firmware_ref", sa.BigInteger(), nullable=False),
        sa.Column("key_sum", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("firmware_ref", "key_sum", name="pk_firmware_signatures"),
        sa.ForeignKeyConstraint(
            ["firmware_ref"],
            ["firmware.ref"],
            name="fk_firmware_signatures_firmware_ref",
            ondelete="CASCADE",
        ),
    )
    op.add_column("base_station_updates", sa.Column("firmware_ref", sa.BigInteger()))
    op.add_column(
        "base_station_updates", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("base_station_updates", sa.Column("failed_at", sa.BigInteger()))
