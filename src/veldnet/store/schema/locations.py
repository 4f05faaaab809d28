"""Where devices have been; see `domain.locations`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, PrimaryKeyConstraint, Table

from .columns import metadata

# `at` in Unix milliseconds, degrees, metres, m/s; `requested` and `used` are ThingPark's numbers of
# algorithms.
locations = Table(
    "locations",
    metadata,
    Column("device_ref", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    *(
        Column(name, Float, nullable=False)
        for name in ("latitude", "longitude", "altitude", "radius", "dilution", "north", "east")
    ),
    *(Column(name, Integer, nullable=False) for name in ("requested", "used")),
    Column("fcnt", BigInteger, nullable=False),
    Column("base_stations", Integer, nullable=False),
    PrimaryKeyConstraint("device_ref", "id"),
    Index("ix_locations_id", "id"),
    sqlite_with_rowid=False,
)
