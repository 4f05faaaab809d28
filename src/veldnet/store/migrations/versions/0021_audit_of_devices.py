"""Entries of the audit log by device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("device_ref", sa.BigInteger()))
    # An EUI has sixteen digits; a number as high as that was never given.
    audit = sa.table("audit", sa.column("object", sa.Text()), sa.column("device_ref", sa.BigInteger()))
    for kind in ("device ", "veldnetdevice "):
        number = sa.func.substr(audit.c.object, len(kind) + 1)
        op.execute(
            audit.update()
            .where(
                audit.c.object.like(f"{kind}%"),
                sa.func.length(number).between(1, 15),
                sa.func.trim(number, "0123456789") == "",
            )
            .values(device_ref=sa.cast(number, sa.BigInteger()))
        )
    op.create_index(
        "ix_audit_device_ref_id",
        "audit",
        ["device_ref", "id"],
        sqlite_where=sa.text("device_ref IS NOT NULL"),
    )
