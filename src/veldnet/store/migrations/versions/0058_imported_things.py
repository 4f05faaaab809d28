"""What imports from other network servers made beside devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: a table is added that they do not look at.
two_steps = True

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "imported_things",
        sa.Column(
            "import_ref", sa.BigInteger(), sa.ForeignKey("imports.ref", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("import_ref", "kind", "id"),
        sqlite_with_rowid=False,
    )
