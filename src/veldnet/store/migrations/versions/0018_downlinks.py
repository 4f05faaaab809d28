"""Downlinks from the queue to their end, of all devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger()
    op.create_table(
        "downlinks",
        sa.Column("id", big.with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("device_ref", big, nullable=False),
        sa.Column("subscriber_ref", big, nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("submitted_at", big, nullable=False),
        sa.Column("updated_at", big, nullable=False),
        sa.Column("fport", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("payload", sa.LargeBinary()),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("fcnt", big),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("after_join", sa.Boolean(), nullable=False),
        sa.Column("expires_at", big),
        sa.Column("correlation_id", sa.Text()),
        sa.Column("sending_at", big),
        sa.Column("sent_at", big),
        sa.Column("frame_id", big),
        sa.Column("base_station", big),
        sa.Column("slot", sa.Integer()),
        sa.Column("causes", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("answered_at", big),
        sa.Column("answer_frame_id", big),
        sa.PrimaryKeyConstraint("id", name="pk_downlinks"),
    )
    for columns in (["subscriber_ref", "id"], ["subscriber_ref", "state", "id"], ["device_ref", "id"]):
        op.create_index(f"ix_downlinks_{'_'.join(columns)}", "downlinks", columns)
