"""Campaigns say why they could not be worked on, and when that is tried again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: columns are added that they do not look at.
two_steps = True

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("failure", _TEXT))
    op.add_column("campaigns", sa.Column("failed_at", sa.BigInteger()))
    op.add_column("campaigns", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("campaigns", sa.Column("retry_at", sa.BigInteger()))
