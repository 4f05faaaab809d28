"""Base stations, their profiles and how they prove themselves."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from .columns import Ref, Text, metadata

# What base stations of a kind hear and how they send.
base_station_profiles = Table(
    "base_station_profiles",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("settings", Text, nullable=False),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)

base_stations = Table(
    "base_stations",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("gateway_eui", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("altitude", Float),
    Column("last_seen_at", BigInteger),
    # dBm at the antenna connector, and dBi.
    Column("max_tx_power", Integer),
    Column("antenna_gain", Float),
    # Frames that could not be read, and what was wrong with others that were taken all the same.
    Column("refused_frames", BigInteger, nullable=False, server_default="0"),
    Column("last_refusal", Text),
    Column("last_refusal_at", BigInteger),
    Column("irregular_frames", BigInteger, nullable=False, server_default="0"),
    Column("last_irregularity", Text),
    Column("last_irregularity_at", BigInteger),
    # Where more than one base station with the EUI is alive.
    Column("duplicate_addresses", Text),
    # Seconds that its clock is ahead of ours, where it is wrong.
    Column("clock_error", Float),
    # Where its downlinks went last, and when that was proven.
    Column("downlink_host", Text),
    Column("downlink_port", Integer),
    Column("downlink_version", Integer),
    Column("downlink_heard_at", BigInteger),
    Column("profile_ref", ForeignKey("base_station_profiles.ref")),
    Index("ix_base_stations_profile_ref", "profile_ref"),
    sqlite_autoincrement=True,
)

# Tokens that base stations prove themselves by: only what is compared, never the token.
base_station_tokens = Table(
    "base_station_tokens",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE"), nullable=False),
    # SHA-256.
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_base_station_tokens_base_station_ref", "base_station_ref"),
    sqlite_autoincrement=True,
)

# Ids of base stations that were removed: statistics and frames mention them, so no other one gets them.
retired_base_stations = Table(
    "retired_base_stations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("retired_at", BigInteger, nullable=False),
)

unknown_base_stations = Table(
    "unknown_base_stations",
    metadata,
    Column("gateway_eui", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("datagrams", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
)
