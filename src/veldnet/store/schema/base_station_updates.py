"""What base stations report of themselves at CUPS and are to have, and their firmware."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from .columns import Ref, Text, metadata

# What base stations report of themselves at CUPS, the last of each.
cups_contacts = Table(
    "cups_contacts",
    metadata,
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE"), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("station", Text),
    Column("model", Text),
    Column("package", Text),
    Column("cups_uri", Text),
    Column("lns_uri", Text),
    # CRC-32 over its credentials.
    Column("cups_sum", BigInteger, nullable=False),
    Column("lns_sum", BigInteger, nullable=False),
    # CRC-32 of the keys that it takes updates from, as JSON.
    Column("keys", Text, nullable=False),
    # token, certificate or none.
    Column("proof", Text, nullable=False),
)

# What base stations are to have, by CUPS; one of each kind.
base_station_updates = Table(
    "base_station_updates",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE"), nullable=False),
    # cupsUri, lnsUri, credentials or firmware.
    Column("kind", Text, nullable=False),
    # The URI, the kind of credentials, or the version of the firmware.
    Column("value", Text, nullable=False),
    # Credentials as the vault has sealed them, until the base station has used them.
    Column("sealed", LargeBinary),
    # The token or certificate that is to replace older ones.
    Column("token_ref", BigInteger),
    Column("certificate_ref", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("fetched_at", BigInteger),
    Column("confirmed_at", BigInteger),
    # Firmware: how often it was handed out, and when that was given up.
    Column("firmware_ref", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failed_at", BigInteger),
    UniqueConstraint("base_station_ref", "kind"),
    sqlite_autoincrement=True,
)

# Firmware that operators have for their base stations.
firmware = Table(
    "firmware",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    # As Station reports it.
    Column("model", Text, nullable=False),
    # What Station reports as its package once it has it.
    Column("version", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    # SHA-512.
    Column("digest", LargeBinary, nullable=False),
    # Whether all its parts are stored.
    Column("complete", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_firmware_operator_ref", "operator_ref"),
    sqlite_autoincrement=True,
)

# Its content, some parts in each transaction; those of removed firmware go some at a time as well.
firmware_parts = Table(
    "firmware_parts",
    metadata,
    Column("firmware_ref", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

# Signatures of firmware, one for each key that base stations check them with.
firmware_signatures = Table(
    "firmware_signatures",
    metadata,
    Column("firmware_ref", ForeignKey("firmware.ref", ondelete="CASCADE"), primary_key=True),
    # CRC-32 of the key, as Station reports it.
    Column("key_sum", BigInteger, primary_key=True, autoincrement=False),
    Column("signature", LargeBinary, nullable=False),
)
