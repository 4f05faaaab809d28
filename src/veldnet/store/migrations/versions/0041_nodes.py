"""Nodes that serve one database together, and the partition of each device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2s
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_PAGE = 10_000
# Compared by code points in both engines.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "nodes",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("version", _TEXT, nullable=False),
        sa.Column("roles", _TEXT, nullable=False),
        sa.Column("addresses", _TEXT, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("beat_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("status", _TEXT, nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("name", name="pk_nodes"),
        sa.UniqueConstraint("process", name="uq_nodes_process"),
    )
    op.add_column("devices", sa.Column("partition", sa.Integer(), nullable=False, server_default="0"))
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        # Which count devices that change.
        op.execute("ALTER TABLE devices DISABLE TRIGGER USER")
    _find_partitions(op.get_bind())
    if postgres:
        op.execute("ALTER TABLE devices ENABLE TRIGGER USER")
        _prove_membership()


def _find_partitions(connection: sa.Connection) -> None:
    for page in _pages(connection):
        if connection.dialect.name == "postgresql":
            connection.execute(
                sa.text(
                    "UPDATE devices SET partition = found.partition FROM (SELECT "
                    "unnest(CAST(:refs AS bigint[])) AS ref, unnest(CAST(:partitions AS int[])) AS partition"
                    ") AS found WHERE devices.ref = found.ref"
                ),
                {"refs": [ref for ref, _ in page], "partitions": [partition for _, partition in page]},
            )
        else:
            connection.execute(
                sa.text("UPDATE devices SET partition = :partition WHERE ref = :ref"),
                [{"ref": ref, "partition": partition} for ref, partition in page],
            )


def _pages(connection: sa.Connection) -> Iterator[Sequence[tuple[int, int]]]:
    """Devices with their partitions: by the DevEUI, or the DevAddr of one that is personalised."""
    query = sa.text(
        "SELECT ref, dev_eui, activation_type, dev_addr FROM devices "
        "LEFT JOIN device_states ON device_ref = ref WHERE ref > :after ORDER BY ref LIMIT :page"
    )
    after = -1
    while rows := connection.execute(query, {"after": after, "page": _PAGE}).all():
        yield [(row.ref, _partition(row)) for row in rows]
        after = rows[-1].ref


def _partition(row: Any) -> int:
    if row.activation_type == "ABP" and row.dev_addr is not None:
        return int(row.dev_addr) & 63
    digest = blake2s(bytes.fromhex(row.dev_eui)[::-1], digest_size=2).digest()
    return int.from_bytes(digest, "little") & 63


def _prove_membership() -> None:
    for name in ("veldnet_begin_commit", "veldnet_begin_change", "veldnet_prove_lease"):
        op.execute(f"DROP FUNCTION {name}(text, bigint)")
    op.execute(
        """
        CREATE FUNCTION veldnet_prove_lease(
            holder text, number int, member bigint, held bigint, epochs bigint)
        RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            IF holder IS NULL THEN
                RETURN;
            END IF;
            PERFORM pg_advisory_xact_lock_shared(1447382085, number);
            IF member IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM nodes WHERE name = holder AND epoch = member)
                OR held <> 0 AND epochs IS DISTINCT FROM (
                    SELECT sum(epoch) FROM leases WHERE owner = holder AND (held >> partition) & 1 = 1)
            THEN
                RAISE EXCEPTION 'another process has taken over this database' USING ERRCODE = 'VN001';
            END IF;
        END $$
        """
    )
    for name, lock in (("commit", "pg_advisory_xact_lock_shared"), ("change", "pg_advisory_xact_lock")):
        op.execute(
            f"""
            CREATE FUNCTION veldnet_begin_{name}(
                holder text, number int, member bigint, held bigint, epochs bigint)
            RETURNS void LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM {lock}(1447382084, 1);
                PERFORM veldnet_prove_lease(holder, number, member, held, epochs);
            END $$
            """
        )
