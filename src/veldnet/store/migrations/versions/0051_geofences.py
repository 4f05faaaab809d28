"""Areas that devices are watched for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: they neither read nor write the table.
two_steps = True

# Compared by code points in both engines.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "geofences",
        sa.Column("ref", _REF, nullable=False, autoincrement=True),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("watched", _TEXT, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("tag", _TEXT),
        sa.Column("shape", _TEXT, nullable=False),
        sa.Column("drawn_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_geofences"),
        sa.ForeignKeyConstraint(
            ["subscriber_ref"],
            ["subscribers.ref"],
            name="fk_geofences_subscriber_ref_subscribers",
            ondelete="CASCADE",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_geofences_subscriber_ref", "geofences", ["subscriber_ref"])
