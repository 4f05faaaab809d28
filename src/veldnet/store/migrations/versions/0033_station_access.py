"""Users of operators may be given access to base stations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "operator_users",
        sa.Column("station_access", sa.Boolean(), nullable=False, server_default="0"),
    )
