"""What base stations hear of devices, and what they are worth to them; see `store.coverage`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from .columns import Text, metadata

# What base stations hear of a subscriber's devices, by cells; see `store.coverage`. `esp` in dBm.
coverage = Table(
    "coverage",
    metadata,
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    # Cells from the south pole and from the date line.
    Column("row", Integer, nullable=False),
    Column("col", Integer, nullable=False),
    Column("base_station", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("esp", Float, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscriber_ref", "level", "row", "col", "base_station"),
    Index("ix_coverage_last_at", "last_at"),
    sqlite_with_rowid=False,
)

# How base stations hear each device; see `store.coverage`. `margin` in dB, NULL where it is not known.
hearing = Table(
    "hearing",
    metadata,
    Column("device_ref", BigInteger, nullable=False),
    Column("base_station", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("weight", Float, nullable=False),
    Column("margin", Float),
    Column("last_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("device_ref", "base_station"),
    Index("ix_hearing_base_station", "base_station"),
    Index("ix_hearing_last_at", "last_at"),
    sqlite_with_rowid=False,
)

# What base stations are worth to the devices of an operator, as counted last.
base_station_worth = Table(
    "base_station_worth",
    metadata,
    Column("operator_ref", BigInteger, nullable=False),
    Column("base_station", BigInteger, nullable=False),
    Column("computed_at", BigInteger, nullable=False),
    Column("devices", BigInteger, nullable=False),
    Column("only", BigInteger, nullable=False),
    Column("weak", BigInteger, nullable=False),
    Column("best", BigInteger, nullable=False),
    Column("improved", BigInteger, nullable=False),
    PrimaryKeyConstraint("operator_ref", "base_station"),
    sqlite_with_rowid=False,
)

# The weekly reports on base stations, as JSON; `mailed_to` has the addresses that
# have got one as JSON, `mailed_at` is NULL until all have.
coverage_reports = Table(
    "coverage_reports",
    metadata,
    Column("operator_ref", BigInteger, nullable=False),
    Column("begin_at", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("mailed_at", BigInteger),
    Column("body", LargeBinary, nullable=False),
    Column("mailed_to", Text, nullable=False, server_default="[]"),
    PrimaryKeyConstraint("operator_ref", "begin_at"),
)
