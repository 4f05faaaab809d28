"""Where the messages of devices go, and the keys of application servers."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from .columns import Ref, Text, metadata

routing_profiles = Table(
    "routing_profiles",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    # The built-in empty profile of the strategy NOAS.
    Column("is_dummy", Boolean, nullable=False),
    Column("hsm_group_ref", ForeignKey("hsm_groups.ref")),
    # Of requests to application servers: their names as a JSON list, and the object of names and values.
    Column("header_names", Text, nullable=False, server_default="[]"),
    Column("sealed_headers", LargeBinary),
    sqlite_autoincrement=True,
)

# The AS transport key of a routing profile, sealed by the vault of its HSM group; by two while devices move.
as_transport_keys = Table(
    "as_transport_keys",
    metadata,
    Column("routing_profile_ref", ForeignKey("routing_profiles.ref", ondelete="CASCADE"), nullable=False),
    Column("vault", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("routing_profile_ref", "vault"),
)

# Exchange keys for encrypted root keys: RSA key pairs, and AES keys that a customer shares.
exchange_keys = Table(
    "exchange_keys",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("vault", Text, nullable=False),
    # RSA or AES.
    Column("form", Text, nullable=False),
    Column("version", Integer, nullable=False),
    # PEM; empty for AES.
    Column("public_key", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The customer who shares an AES key.
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE")),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("vault", "form", "version"),
    sqlite_autoincrement=True,
)

routes = Table(
    "routes",
    metadata,
    Column("routing_profile_ref", ForeignKey("routing_profiles.ref", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("source_ports", Text, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("as_id", Text),
    Column("sealed_as_key", LargeBinary),
    Column("max_deviation", Integer),
    Column("addresses", Text, nullable=False),
    PrimaryKeyConstraint("routing_profile_ref", "position"),
)
