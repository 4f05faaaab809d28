"""Connections to applications, flows, and how connections are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: they neither read nor write the tables.
two_steps = True

_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _owned(name: str, *more: sa.Column[object]) -> None:
    owner = sa.ForeignKey("subscribers.ref", ondelete="CASCADE")
    op.create_table(
        name,
        sa.Column("ref", _REF, primary_key=True),
        sa.Column("subscriber_ref", _REF, owner, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("settings", _TEXT, nullable=False),
        *more,
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", _TEXT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{name}_subscriber_ref", name, ["subscriber_ref"])


def _connection() -> sa.Column[int]:
    owner = sa.ForeignKey("connections.ref", ondelete="CASCADE")
    return sa.Column("connection_ref", _REF, owner, nullable=False)


def upgrade() -> None:
    _owned(
        "connections",
        sa.Column("sealed_secrets", sa.LargeBinary()),
        sa.Column("hidden", _TEXT, nullable=False),
    )
    _owned("flows")
    op.create_table(
        "flow_connections",
        sa.Column("flow_ref", _REF, sa.ForeignKey("flows.ref", ondelete="CASCADE"), nullable=False),
        _connection(),
        sa.PrimaryKeyConstraint("flow_ref", "connection_ref", name="pk_flow_connections"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_flow_connections_connection_ref", "flow_connections", ["connection_ref"])
    op.create_table(
        "connection_states",
        _connection(),
        sa.Column("node", _TEXT, nullable=False),
        sa.Column("status", _TEXT, nullable=False),
        sa.Column("reason", _TEXT),
        sa.Column("since", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("delivered", "failed", "received")),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_ref", "node", name="pk_connection_states"),
        sqlite_with_rowid=False,
    )
