"""An index of what stands within names and DevEUIs of devices."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE device_names USING "
        "fts5(name, eui, content='', detail=none, columnsize=0, tokenize='trigram')"
    )
    known = "{of}.ref <= (SELECT CAST(value AS INTEGER) FROM properties WHERE name = 'device_names_until')"
    old, new = known.format(of="OLD"), known.format(of="NEW")
    put = "INSERT INTO device_names (rowid, name, eui) VALUES (NEW.ref, NEW.name, NEW.dev_eui);"
    take = (
        "INSERT INTO device_names (device_names, rowid, name, eui) "
        "VALUES ('delete', OLD.ref, OLD.name, OLD.dev_eui);"
    )
    for trigger in (
        f"device_names_put AFTER INSERT ON devices WHEN {new} BEGIN {put} END",
        f"device_names_changed AFTER UPDATE OF name, dev_eui ON devices WHEN {old} BEGIN {take} {put} END",
        f"device_names_taken AFTER DELETE ON devices WHEN {old} BEGIN {take} END",
    ):
        op.execute(f"CREATE TRIGGER {trigger}")
