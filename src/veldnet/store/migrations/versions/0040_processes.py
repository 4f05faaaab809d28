"""Holders of leases have numbers, under which the marks of their identifiers stand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leases", sa.Column("process", sa.Integer(), nullable=False, server_default="0"))
    op.execute("ALTER TABLE id_marks RENAME COLUMN partition TO process")
    if op.get_bind().dialect.name == "postgresql":
        _prove_each_partition()
        for table in ("device_counts", "device_cells"):
            where = sa.text("part <> 0")
            op.create_index(f"ix_{table}_appended", table, ["part"], postgresql_where=where)


def _prove_each_partition() -> None:
    for name in ("veldnet_begin_commit", "veldnet_begin_change", "veldnet_prove_lease"):
        op.execute(f"DROP FUNCTION {name}(bigint)")
    op.execute(
        """
        CREATE FUNCTION veldnet_prove_lease(holder text, epochs bigint) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            IF holder IS NOT NULL
                AND (SELECT sum(epoch) FROM leases WHERE owner = holder) IS DISTINCT FROM epochs
            THEN
                RAISE EXCEPTION 'another process has taken over this database' USING ERRCODE = 'VN001';
            END IF;
        END $$
        """
    )
    for name, lock in (("commit", "pg_advisory_xact_lock_shared"), ("change", "pg_advisory_xact_lock")):
        op.execute(
            f"""
            CREATE FUNCTION veldnet_begin_{name}(holder text, epochs bigint) RETURNS void
            LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM {lock}(1447382084, 1);
                PERFORM veldnet_prove_lease(holder, epochs);
            END $$
            """
        )
