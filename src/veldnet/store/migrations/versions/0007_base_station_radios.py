"""What the radio of a base station can do: its highest power, and the gain of its antenna."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("base_stations", sa.Column("max_tx_power", sa.Integer()))
    op.add_column("base_stations", sa.Column("antenna_gain", sa.Float()))
