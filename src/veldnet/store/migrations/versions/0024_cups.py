"""What base stations report at CUPS, and what they are to have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_CONTACTS = (
    ("station", sa.Text(), True),
    ("model", sa.Text(), True),
    ("package", sa.Text(), True),
    ("cups_uri", sa.Text(), True),
    ("lns_uri", sa.Text(), True),
    ("cups_sum", sa.BigInteger(), False),
    ("lns_sum", sa.BigInteger(), False),
    ("keys", sa.Text(), False),
    ("proof", sa.Text(), False),
)


def _of_base_station(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["base_station_ref"],
        ["base_stations.ref"],
        name=f"fk_{table}_base_station_ref",
        ondelete="CASCADE",
    )


def upgrade() -> None:
    ref = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "cups_contacts",
        sa.Column("base_station_ref", ref, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, kind, nullable=nullable) for name, kind, nullable in _CONTACTS),
        sa.PrimaryKeyConstraint("base_station_ref", name="pk_cups_contacts"),
        _of_base_station("cups_contacts"),
    )
    op.create_table(
        "base_station_updates",
        sa.Column("ref", ref, primary_key=True, autoincrement=True),
        sa.Column("base_station_ref", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("token_ref", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger()),
        sa.Column("confirmed_at", sa.BigInteger()),
        _of_base_station("base_station_updates"),
        sa.UniqueConstraint("base_station_ref", "kind", name="uq_base_station_updates_base_station_ref_kind"),
        sqlite_autoincrement=True,
    )
