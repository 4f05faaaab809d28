"""Routing profiles have headers that requests to their application servers carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: columns are added that they do not look at.
two_steps = True

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("routing_profiles", sa.Column("header_names", _TEXT, nullable=False, server_default="[]"))
    op.add_column("routing_profiles", sa.Column("sealed_headers", sa.LargeBinary()))
