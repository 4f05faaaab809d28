"""Alarms are muted, assigned and commented, and name what raised them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger()
    for name, kind in (
        ("frame_id", big),
        ("cause", sa.Text()),
        ("muted_until", big),
        ("muted_by", sa.Text()),
        ("assignee_ref", big),
    ):
        op.add_column("alarms", sa.Column(name, kind))
    ref = big.with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alarm_comments",
        sa.Column("ref", ref, primary_key=True),
        sa.Column("alarm_ref", big, nullable=False),
        sa.Column("at", big, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_alarm_comments"),
        sa.ForeignKeyConstraint(
            ["alarm_ref"], ["alarms.ref"], name="fk_alarm_comments_alarm_ref", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alarm_comments_alarm_ref", "alarm_comments", ["alarm_ref"])
