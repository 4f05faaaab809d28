"""Devices by the alarms that nobody has acknowledged, in an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_alarms_unacknowledged",
        "alarms",
        ["subscriber_ref", "device_ref", "state"],
        sqlite_where=sa.text("acked IS 0"),
        postgresql_where=sa.text("acked IS false"),
    )
