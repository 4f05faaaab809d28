"""Connections to applications, and the flows that say which messages go over them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, PrimaryKeyConstraint, Table

from .columns import Ref, Text, metadata

connections = Table(
    "connections",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    # `domain.flows.ConnectionSettings` as JSON, without what is secret.
    Column("settings", Text, nullable=False),
    # `domain.flows.ConnectionSecrets`, sealed by the vault.
    Column("sealed_secrets", LargeBinary),
    # Which secrets there are, as a JSON array of names.
    Column("hidden", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    sqlite_autoincrement=True,
)

flows = Table(
    "flows",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    # `domain.flows.FlowSettings` as JSON.
    Column("settings", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    sqlite_autoincrement=True,
)

flow_connections = Table(
    "flow_connections",
    metadata,
    Column("flow_ref", ForeignKey("flows.ref", ondelete="CASCADE"), nullable=False),
    Column("connection_ref", ForeignKey("connections.ref", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("flow_ref", "connection_ref"),
    sqlite_with_rowid=False,
)

# How a connection is, as each node that delivers has last said; `node` is empty where one process serves
# alone. Counts are since the connection was made.
connection_states = Table(
    "connection_states",
    metadata,
    Column("connection_ref", ForeignKey("connections.ref", ondelete="CASCADE"), nullable=False),
    Column("node", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("since", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("connection_ref", "node"),
    sqlite_with_rowid=False,
)
