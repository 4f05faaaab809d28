"""What was measured at base stations, and when they were away."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from .columns import metadata

# What was measured at base stations by hours since 1970, as MessagePack; milliseconds for which they were
# watched, and of these away.
base_station_hours = Table(
    "base_station_hours",
    metadata,
    Column("base_station", BigInteger, nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("observed", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("measures", LargeBinary, nullable=False),
    PrimaryKeyConstraint("base_station", "hour"),
    # For retention; and for how long all were there, without what was measured.
    Index("ix_base_station_hours_hour", "hour", "base_station", "observed", "down"),
    sqlite_with_rowid=False,
)

# When base stations were away; `ended_at` is NULL while they are.
base_station_outages = Table(
    "base_station_outages",
    metadata,
    Column("base_station", BigInteger, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    PrimaryKeyConstraint("base_station", "began_at"),
    Index("ix_base_station_outages_ended_at", "ended_at"),
    sqlite_with_rowid=False,
)
