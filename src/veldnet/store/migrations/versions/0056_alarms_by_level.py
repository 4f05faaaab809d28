"""Devices with alarms of each level, by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: an index is added.
two_steps = True


def upgrade() -> None:
    op.create_index(
        "ix_alarms_unacknowledged_state",
        "alarms",
        ["subscriber_ref", "state", "device_ref"],
        sqlite_where=sa.text("acked IS 0"),
        postgresql_where=sa.text("acked IS false"),
    )
