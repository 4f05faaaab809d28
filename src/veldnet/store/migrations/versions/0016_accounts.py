"""Invitations, resets of passwords, personal API keys, second factors and identities at other providers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def _people() -> tuple[sa.Column[int], ...]:
    """Whose a row is: a subscriber's user or an operator's."""
    return (
        sa.Column("user_ref", sa.BigInteger()),
        sa.Column("operator_user_ref", sa.BigInteger()),
    )


def _references(table: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint([column], [f"{to}.ref"], name=f"fk_{table}_{column}", ondelete="CASCADE")
        for column, to in (("user_ref", "users"), ("operator_user_ref", "operator_users"))
    )


def _index(table: str, *columns: str, unique: bool = False) -> None:
    for column in columns:
        op.create_index(f"ix_{table}_{column}", table, [column], unique=unique)


def upgrade() -> None:
    reference = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for table in ("users", "operator_users"):
        op.add_column(table, sa.Column("email", sa.Text()))
        op.execute(f"UPDATE {table} SET email = username WHERE username LIKE '_%@_%'")  # noqa: S608
        _index(table, "email")
    op.add_column("sessions", sa.Column("created_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("sessions", sa.Column("agent", sa.Text(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("address", sa.Text(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("provider", sa.Text(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("verified", sa.Boolean(), nullable=False, server_default="0"))
    _index("sessions", "user_ref", "operator_user_ref")
    op.create_table(
        "invitations",
        sa.Column("ref", reference, primary_key=True),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_ref"], ["subscribers.ref"], name="fk_invitations_subscriber_ref", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("digest", name="uq_invitations_digest"),
        sqlite_autoincrement=True,
    )
    _index("invitations", "subscriber_ref")
    op.create_table(
        "password_resets",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        *_people(),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        *_references("password_resets"),
    )
    _index("password_resets", "user_ref", "operator_user_ref", "expires_at")
    op.create_table(
        "api_keys",
        sa.Column("ref", reference, primary_key=True),
        *_people(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("beginning", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("used_at", sa.BigInteger()),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        *_references("api_keys"),
        sqlite_autoincrement=True,
    )
    _index("api_keys", "user_ref", "operator_user_ref")
    op.create_table(
        "second_factors",
        sa.Column("ref", reference, primary_key=True),
        *_people(),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        *_references("second_factors"),
        sqlite_autoincrement=True,
    )
    _index("second_factors", "user_ref", "operator_user_ref", unique=True)
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        *_people(),
        *_references("recovery_codes"),
    )
    _index("recovery_codes", "user_ref", "operator_user_ref")
    op.create_table(
        "identities",
        sa.Column("ref", reference, primary_key=True),
        *_people(),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("issuer", "subject", name="uq_identities_issuer_subject"),
        *_references("identities"),
        sqlite_autoincrement=True,
    )
    _index("identities", "user_ref", "operator_user_ref")
