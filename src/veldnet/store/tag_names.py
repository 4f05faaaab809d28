"""The names and DevEUIs of devices beside their tags, so that an index has the devices of a tag in the order
of either: those of a tag that many have are not looked for among all names. Triggers keep them, for each
engine.
"""

from __future__ import annotations

from sqlalchemy import Connection

_RENAMED = "AFTER UPDATE OF name, dev_eui ON devices"
_CHANGED = "(OLD.name <> NEW.name OR OLD.dev_eui <> NEW.dev_eui)"
_SQLITE = (
    "CREATE TRIGGER IF NOT EXISTS device_tags_named AFTER INSERT ON device_tags BEGIN "
    "UPDATE device_tags SET (name, dev_eui) = "
    "(SELECT name, dev_eui FROM devices WHERE ref = NEW.device_ref) "
    "WHERE subscriber_ref = NEW.subscriber_ref AND tag = NEW.tag AND device_ref = NEW.device_ref; END",
    f"CREATE TRIGGER IF NOT EXISTS device_tags_renamed {_RENAMED} WHEN {_CHANGED} BEGIN "  # noqa: S608
    "UPDATE device_tags SET name = NEW.name, dev_eui = NEW.dev_eui WHERE device_ref = NEW.ref; END",
)
_POSTGRESQL = (
    """
CREATE FUNCTION veldnet_name_tag() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    SELECT name, dev_eui INTO NEW.name, NEW.dev_eui FROM devices WHERE ref = NEW.device_ref;
    RETURN NEW;
END $$
""",
    """
CREATE FUNCTION veldnet_rename_tags() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE device_tags SET name = NEW.name, dev_eui = NEW.dev_eui WHERE device_ref = NEW.ref;
    RETURN NULL;
END $$
""",
    "CREATE TRIGGER device_tags_named BEFORE INSERT ON device_tags FOR EACH ROW "
    "EXECUTE FUNCTION veldnet_name_tag()",
    f"CREATE TRIGGER device_tags_renamed {_RENAMED} FOR EACH ROW WHEN {_CHANGED} "
    "EXECUTE FUNCTION veldnet_rename_tags()",
)


def name_tags(connection: Connection) -> None:
    """Create the triggers; in SQLite, or leave those that are there."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)
