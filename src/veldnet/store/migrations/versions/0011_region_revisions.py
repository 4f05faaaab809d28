"""The revision of the regional parameters of a device profile is a setting, and no longer part of its region.

AU915 in revision 1.0.2revA was a region of its own. A profile that had this revision with the region AU915
was served as any other of AU915; it gets the revision after it, which has the same limits, to be served as
before.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    table = sa.table("device_profiles", sa.column("ref", sa.BigInteger), sa.column("settings", sa.Text))
    for ref, text in connection.execute(sa.select(table.c.ref, table.c.settings)).all():
        settings = json.loads(text)
        region, version = settings.get("region"), settings.get("regionalParameterVersion")
        if region == "AU915-1.0.2A":
            settings |= {"region": "AU915", "regionalParameterVersion": "1.0.2revA"}
        elif (region, version) == ("AU915", "1.0.2revA"):
            settings["regionalParameterVersion"] = "1.0.2revB"
        else:
            continue
        connection.execute(
            sa.update(table)
            .where(table.c.ref == ref)
            .values(settings=json.dumps(settings, separators=(",", ":"), ensure_ascii=False))
        )
