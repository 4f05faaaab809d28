"""Plans, device profiles, HSM groups and subscribers can be suspended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("connectivity_plans", "device_profiles", "hsm_groups", "subscribers"):
        op.add_column(table, sa.Column("suspended", sa.Boolean(), nullable=False, server_default=sa.false()))
