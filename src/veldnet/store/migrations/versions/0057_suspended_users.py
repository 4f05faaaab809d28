"""Users, of customers and of operators, can be suspended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: two columns are added that they do not look at.
two_steps = True


def upgrade() -> None:
    for table in ("users", "operator_users"):
        op.add_column(table, sa.Column("suspended", sa.Boolean(), nullable=False, server_default=sa.false()))
