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


def _cells() -> None:
    """Devices by cells of the map; from now on triggers count them."""
    op.create_table(
        "device_cells",
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("col", sa.Integer(), nullable=False),
        sa.Column("health", sa.Integer(), nullable=False),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_ref", "row", "col", "health", name="pk_device_cells"),
        sqlite_with_rowid=False,
    )

    def cell(of: str) -> str:
        return f"CAST(({of}latitude + 90.0) * 100 AS INTEGER), CAST(({of}longitude + 180.0) * 100 AS INTEGER)"

    op.execute(
        "INSERT INTO device_cells (subscriber_ref, row, col, health, devices) "  # noqa: S608
        f"SELECT subscriber_ref, {cell('')}, health, count(*) FROM devices "
        "WHERE latitude IS NOT NULL AND longitude IS NOT NULL GROUP BY 1, 2, 3, 4"
    )
    add = (
        "INSERT INTO device_cells (subscriber_ref, row, col, health, devices) "  # noqa: S608
        f"VALUES (NEW.subscriber_ref, {cell('NEW.')}, NEW.health, 1) "
        "ON CONFLICT DO UPDATE SET devices = devices + 1;"
    )
    take = (
        "UPDATE device_cells SET devices = devices - 1 WHERE subscriber_ref = OLD.subscriber_ref "  # noqa: S608
        f"AND (row, col) = ({cell('OLD.')}) AND health = OLD.health;"
    )
    new, old = (f"{of}.latitude IS NOT NULL AND {of}.longitude IS NOT NULL" for of in ("NEW", "OLD"))
    op.execute(f"CREATE TRIGGER devices_placed AFTER INSERT ON devices WHEN {new} BEGIN {add} END")
    op.execute(f"CREATE TRIGGER devices_gone AFTER DELETE ON devices WHEN {old} BEGIN {take} END")
    changed = "AFTER UPDATE OF latitude, longitude, health ON devices"
    op.execute(f"CREATE TRIGGER devices_moved_away {changed} WHEN {old} BEGIN {take} END")
    op.execute(f"CREATE TRIGGER devices_moved_here {changed} WHEN {new} BEGIN {add} END")


def upgrade() -> None:
    _people()
    _decoders()
    _imports()
    _cells()
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
