"""The internal certificate authority, and what it has issued."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def _ref() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("ref", kind, primary_key=True, autoincrement=True)


def upgrade() -> None:
    op.create_table(
        "authorities",
        _ref(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "certificates",
        _ref(),
        sa.Column("authority_ref", sa.BigInteger(), nullable=False),
        sa.Column("base_station_ref", sa.BigInteger()),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("revoked_by", sa.Text()),
        sa.ForeignKeyConstraint(["authority_ref"], ["authorities.ref"], name="fk_certificates_authority_ref"),
        sa.ForeignKeyConstraint(
            ["base_station_ref"],
            ["base_stations.ref"],
            name="fk_certificates_base_station_ref",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("serial", name="uq_certificates_serial"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_certificates_base_station_ref", "certificates", ["base_station_ref"])
    op.add_column("base_station_updates", sa.Column("certificate_ref", sa.BigInteger()))
