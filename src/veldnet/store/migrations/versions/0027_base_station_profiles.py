"""Base station profiles: a default one for each operator, which all of its base stations have. It names no
region, so that they go on serving that of the network's settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_DEFAULT = (
    '{"region":null,"subBands":[],"chip":"SX1302","concentrators":1,'
    '"antennaGain":2,"maxEirp":null,"classB":true}'
)


def upgrade() -> None:
    ref = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "base_station_profiles",
        sa.Column("ref", ref, primary_key=True, autoincrement=True),
        sa.Column("operator_ref", sa.BigInteger(), sa.ForeignKey("operators.ref"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.UniqueConstraint("operator_ref", "id"),
        sqlite_autoincrement=True,
    )
    # SQLite adds no constraint to a table that there is; with its column it does.
    op.execute(
        "ALTER TABLE base_stations ADD COLUMN profile_ref BIGINT REFERENCES base_station_profiles (ref)"
    )
    op.create_index("ix_base_stations_profile_ref", "base_stations", ["profile_ref"])
    insert = sa.text(
        "INSERT INTO base_station_profiles (operator_ref, id, name, settings) "
        "SELECT ref, 'default', 'Default', :settings FROM operators"
    )
    op.execute(insert.bindparams(settings=_DEFAULT))
    op.execute(
        "UPDATE base_stations SET profile_ref = (SELECT p.ref FROM base_station_profiles p "
        "WHERE p.operator_ref = base_stations.operator_ref)"
    )
