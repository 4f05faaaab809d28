"""Devices of LoRaWAN 1.0.x have a root key for multicast groups and updates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: they neither read nor write the column.
two_steps = True


def upgrade() -> None:
    op.add_column("devices", sa.Column("sealed_gen_app_key", sa.LargeBinary))
