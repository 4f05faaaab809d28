"""What operators offer their subscribers: connectivity plans, profiles of devices and HSM groups."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    false,
)

from .columns import Ref, Text, metadata

connectivity_plans = Table(
    "connectivity_plans",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("communication_type", Text, nullable=False),
    Column("settings", Text, nullable=False),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)

plan_grants = Table(
    "plan_grants",
    metadata,
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False),
    Column("plan_ref", ForeignKey("connectivity_plans.ref", ondelete="CASCADE"), nullable=False),
    Column("granted", Integer, nullable=False),
    Column("used", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("subscriber_ref", "plan_ref"),
)

device_profiles = Table(
    "device_profiles",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("type_mac", Text, nullable=False),
    Column("settings", Text, nullable=False),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)

hsm_groups = Table(
    "hsm_groups",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("operator_ref", ForeignKey("operators.ref"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Name of the vault in the settings; empty for the default one.
    Column("vault", Text, nullable=False, server_default=""),
    # Gives no service, and nothing new can be made with it, until the operator resumes it.
    Column("suspended", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("operator_ref", "id"),
    sqlite_autoincrement=True,
)
