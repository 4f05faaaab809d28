"""Messages that wait are found by their subscriber."""

from __future__ import annotations

from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: only an index is added.
two_steps = True


def upgrade() -> None:
    op.create_index("ix_deliveries_subscriber", "deliveries", ["subscriber_ref", "state", "id"])
