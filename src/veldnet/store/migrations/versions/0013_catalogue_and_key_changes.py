"""The catalogue of devices that an operator imports, and when the keys of a device were entered again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.ref"], name=f"fk_{table}_{column}", ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "catalogue_makers",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("operator_ref", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("website", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("profile_numbers", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_catalogue_makers"),
        sa.UniqueConstraint("operator_ref", "id", name="uq_catalogue_makers_operator_ref_id"),
        _belongs("catalogue_makers", "operator_ref", "operators"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_catalogue_makers_operator_ref_number", "catalogue_makers", ["operator_ref", "number"])
    op.create_table(
        "catalogue_models",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("maker_ref", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("variants", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_catalogue_models"),
        sa.UniqueConstraint("maker_ref", "id", name="uq_catalogue_models_maker_ref_id"),
        _belongs("catalogue_models", "maker_ref", "catalogue_makers"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "catalogue_codecs",
        sa.Column("maker_ref", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("maker_ref", "id", name="pk_catalogue_codecs"),
        _belongs("catalogue_codecs", "maker_ref", "catalogue_makers"),
    )
    op.create_table(
        "device_key_changes",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("session_reset", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_device_key_changes"),
        _belongs("device_key_changes", "device_ref", "devices"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_device_key_changes_device_ref", "device_key_changes", ["device_ref"])
