"""Columns by the names of what they hold: delivery queues, unsolicited downlinks, monitoring state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE deliveries RENAME COLUMN lane TO queue")
    op.execute("ALTER TABLE device_states RENAME COLUMN restless TO unsolicited")
    op.execute("ALTER TABLE device_states RENAME COLUMN watch TO monitoring")
    # SQLite cannot rename an index. Deliveries are few but for the backlog of an outage.
    op.drop_index("ix_deliveries_lane", "deliveries")
    op.create_index("ix_deliveries_queue", "deliveries", ["device_ref", "queue", "state", "id"])
    op.drop_index("ix_device_states_restless", "device_states")
    some = sa.text("unsolicited IS NOT NULL")
    op.create_index(
        "ix_device_states_unsolicited",
        "device_states",
        ["device_ref"],
        sqlite_where=some,
        postgresql_where=some,
    )
