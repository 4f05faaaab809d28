"""Where the network has located devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("device_states", sa.Column("network_location", sa.LargeBinary(), nullable=True))
    op.create_table(
        "locations",
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Float(), nullable=False)
            for name in ("latitude", "longitude", "altitude", "radius", "dilution", "north", "east")
        ),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("requested", "used")),
        sa.Column("fcnt", sa.BigInteger(), nullable=False),
        sa.Column("base_stations", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device_ref", "id", name="pk_locations"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_locations_id", "locations", ["id"])
