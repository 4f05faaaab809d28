"""Changes of the inventory by their transactions, which have numbers where there are several writers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("changes", sa.Column("txn", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE changes ALTER txn SET DEFAULT CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
        )
        op.create_index("ix_changes_txn_seq", "changes", ["txn", "seq"])
