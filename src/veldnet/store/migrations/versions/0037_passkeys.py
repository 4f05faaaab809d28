"""Passkeys of users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passkeys",
        sa.Column("ref", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("user_ref", sa.BigInteger()),
        sa.Column("operator_user_ref", sa.BigInteger()),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transports", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.Column("copied", sa.Boolean(), nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(["user_ref"], ["users.ref"], name="fk_passkeys_user_ref", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["operator_user_ref"],
            ["operator_users.ref"],
            name="fk_passkeys_operator_user_ref",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
        sqlite_autoincrement=True,
    )
    for column in ("user_ref", "operator_user_ref"):
        op.create_index(f"ix_passkeys_{column}", "passkeys", [column])
