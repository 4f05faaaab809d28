"""Weekly reports know who has got them by e-mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: a column is added that they do not look at.
two_steps = True

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("coverage_reports", sa.Column("mailed_to", _TEXT, nullable=False, server_default="[]"))
