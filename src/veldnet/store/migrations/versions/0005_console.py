"""The console: people with roles and sessions, what they have set, payload decoders, imports to undo."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _belongs(column: str, table: str, of: str, ondelete: str | None = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{of}.ref"], name=f"fk_{table}_{column}", ondelete=ondelete)


def _people() -> None:
    op.add_column("users", sa.Column("role", sa.Text(), nullable=False, server_default="rw"))
    op.add_column("projects", sa.Column("subscriber_ref", sa.BigInteger()))
    op.add_column("audit", sa.Column("operator_ref", sa.BigInteger()))
    op.create_table(
        "operator_users",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("operator_ref", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_operator_users"),
        sa.UniqueConstraint("username", name="uq_operator_users_username"),
        _belongs("operator_ref", "operator_users", "operators", None),
    )
    op.create_index("ix_operator_users_operator_ref", "operator_users", ["operator_ref"])
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_ref", sa.BigInteger()),
        sa.Column("operator_user_ref", sa.BigInteger()),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        _belongs("user_ref", "sessions", "users"),
        _belongs("operator_user_ref", "sessions", "operator_users"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "preferences",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_preferences"),
    )


def _decoders() -> None:
    op.create_table(
        "decoders",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_decoders"),
        _belongs("subscriber_ref", "decoders", "subscribers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decoders_subscriber_ref", "decoders", ["subscriber_ref"])
    op.create_table(
        "decoder_bindings",
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("profile_ref", sa.BigInteger(), nullable=False),
        sa.Column("decoder_ref", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_ref", "profile_ref", name="pk_decoder_bindings"),
        _belongs("subscriber_ref", "decoder_bindings", "subscribers"),
        _belongs("profile_ref", "decoder_bindings", "device_profiles"),
        _belongs("decoder_ref", "decoder_bindings", "decoders"),
    )


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("ref", name="pk_imports"),
        _belongs("subscriber_ref", "imports", "subscribers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_imports_subscriber_ref", "imports", ["subscriber_ref"])
    op.create_table(
        "imported_devices",
        sa.Column("import_ref", sa.BigInteger(), nullable=False),
        sa.Column("device_ref", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("import_ref", "device_ref", name="pk_imported_devices"),
        _belongs("import_ref", "imported_devices", "imports"),
        _belongs("device_ref", "imported_devices", "devices"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_imported_devices_device_ref", "imported_devices", ["device_ref"])


def upgrade() -> None:
    _people()
    _decoders()
    _imports()
    op.create_index("ix_devices_subscriber_ref_name", "devices", ["subscriber_ref", "name", "dev_eui"])
    op.create_index("ix_devices_subscriber_ref_dev_eui", "devices", ["subscriber_ref", "dev_eui"])
    where = sa.text("latitude IS NOT NULL")
    op.create_index(
        "ix_devices_position",
        "devices",
        ["subscriber_ref", "latitude", "longitude", "health"],
        sqlite_where=where,
        postgresql_where=where,
    )
