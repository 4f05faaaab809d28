"""Certificate authorities, what they have issued, and what is revoked."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table

from .columns import Ref, Text, metadata

# The internal certificate authorities; the newest issues.
authorities = Table(
    "authorities",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("name", Text, nullable=False),
    # DER.
    Column("certificate", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Certificates that they have issued: of base stations, and of servers, which have no base station.
certificates = Table(
    "certificates",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("authority_ref", ForeignKey("authorities.ref"), nullable=False),
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE")),
    # Hexadecimal, as TLS names it.
    Column("serial", Text, nullable=False, unique=True),
    # EUI, or names of the server.
    Column("name", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_by", Text),
    Index("ix_certificates_base_station_ref", "base_station_ref"),
    sqlite_autoincrement=True,
)

# Certificates of other authorities that are not to be taken any more, by number.
revoked_serials = Table(
    "revoked_serials",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("revoked_at", BigInteger, nullable=False),
    Column("revoked_by", Text, nullable=False),
)
