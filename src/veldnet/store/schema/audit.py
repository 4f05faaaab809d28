"""Who changed what."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, text

from .columns import Ref, Text, metadata, on_postgresql

# Who changed what.
audit = Table(
    "audit",
    metadata,
    Column("id", Ref, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subscriber_ref", BigInteger),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("operator_ref", BigInteger),
    # The device that was changed, where it was one.
    Column("device_ref", BigInteger),
    Index("ix_audit_subscriber_ref_id", "subscriber_ref", "id"),
    Index(
        "ix_audit_device_ref_id",
        "device_ref",
        "id",
        sqlite_where=text("device_ref IS NOT NULL"),
        info=on_postgresql(where=text("device_ref IS NOT NULL")),
    ),
    sqlite_autoincrement=True,
)
