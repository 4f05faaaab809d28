"""Units of what a decoder reads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decoders", sa.Column("units", sa.Text(), nullable=False, server_default="{}"))
