"""Device profiles say on which port the network answers requests for the time; those of before, on none."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_PROFILES = sa.table("device_profiles", sa.column("ref", sa.BigInteger), sa.column("settings", sa.Text))


def upgrade() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_PROFILES.c.ref, _PROFILES.c.settings)).all():
        whole = {"clockSyncPort": None} | json.loads(row.settings)
        connection.execute(
            sa.update(_PROFILES)
            .where(_PROFILES.c.ref == row.ref)
            .values(settings=json.dumps(whole, separators=(",", ":"), ensure_ascii=False))
        )
