"""HSM groups have vaults of their own, AS transport keys may be sealed by more than one, root keys may come
encrypted, and modules have alarms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("hsm_groups", sa.Column("vault", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "as_transport_keys",
        sa.Column("routing_profile_ref", sa.BigInteger(), nullable=False),
        sa.Column("vault", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("routing_profile_ref", "vault", name="pk_as_transport_keys"),
        sa.ForeignKeyConstraint(
            ["routing_profile_ref"],
            ["routing_profiles.ref"],
            name="fk_as_transport_keys_routing_profile_ref",
            ondelete="CASCADE",
        ),
    )
    op.execute(
        "INSERT INTO as_transport_keys (routing_profile_ref, vault, sealed) "
        "SELECT ref, '', sealed_as_transport_key FROM routing_profiles "
        "WHERE sealed_as_transport_key IS NOT NULL"
    )
    op.drop_column("routing_profiles", "sealed_as_transport_key")
    op.create_table(
        "exchange_keys",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("vault", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_exchange_keys"),
        sa.UniqueConstraint("vault", "form", "version", name="uq_exchange_keys_vault_form_version"),
        sa.ForeignKeyConstraint(
            ["subscriber_ref"],
            ["subscribers.ref"],
            name="fk_exchange_keys_subscriber_ref",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "module_alarms",
        sa.Column("ref", _REF, nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("type", sa.Integer(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("acked", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("acked_at", sa.BigInteger()),
        sa.Column("ack_author", sa.Text()),
        *(sa.Column(f"info{number}", sa.Text()) for number in range(1, 6)),
        sa.PrimaryKeyConstraint("ref", name="pk_module_alarms"),
        sa.UniqueConstraint("module", "type", "object", name="uq_module_alarms_module_type_object"),
        sqlite_autoincrement=True,
    )
