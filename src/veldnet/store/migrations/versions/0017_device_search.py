"""An index for searching devices by the end of their DevEUI."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    end = sa.text("substr(dev_eui, 13)")
    op.create_index("ix_devices_eui_end", "devices", [end, "subscriber_ref", "dev_eui"])
