"""The second root key of LoRaWAN 1.1, and devices for which a downlink waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("sealed_nwk_key", sa.LargeBinary(), nullable=True))
    op.add_column("device_states", sa.Column("restless", sa.Integer(), nullable=True))
    op.add_column("device_states", sa.Column("current_class", sa.Text(), nullable=True))
    waiting = sa.text("restless IS NOT NULL")
    op.create_index(
        "ix_device_states_restless",
        "device_states",
        ["device_ref"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
