"""Devices of a tag in the order of their names and DevEUIs, by indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from veldnet.store.tag_names import name_tags

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None
# Nodes of the revision before serve on: triggers write the columns.
two_steps = True

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("name", "dev_eui"):
        op.add_column("device_tags", sa.Column(name, _TEXT, nullable=False, server_default=""))
    op.execute(
        "UPDATE device_tags SET (name, dev_eui) = "
        "(SELECT name, dev_eui FROM devices WHERE ref = device_tags.device_ref)"
    )
    for name, columns in (("name", ["name", "dev_eui"]), ("dev_eui", ["dev_eui"])):
        op.create_index(
            f"ix_device_tags_{name}", "device_tags", ["subscriber_ref", "tag", *columns, "device_ref"]
        )
    name_tags(op.get_bind())
