"""The index of names finds pairs of characters, and there is one in PostgreSQL."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()
    else:
        _sqlite()


def _sqlite() -> None:
    for trigger in ("put", "changed", "taken"):
        op.execute(f"DROP TRIGGER device_names_{trigger}")
    op.execute("DROP TABLE device_names")
    # Filled again in the background.
    op.execute("DELETE FROM properties WHERE name = 'device_names_until'")
    op.execute(
        "CREATE VIRTUAL TABLE device_names USING "
        "fts5(name, eui, content='', detail=none, columnsize=0, tokenize='trigram')"
    )
    op.execute("CREATE VIRTUAL TABLE device_name_trigrams USING fts5vocab('device_names', 'instance')")
    known = "{of}.ref <= (SELECT CAST(value AS INTEGER) FROM properties WHERE name = 'device_names_until')"
    old, new = known.format(of="OLD"), known.format(of="NEW")
    texts = "{of}.ref, {of}.name || char(1, 1), {of}.dev_eui || char(1, 1)"
    put = f"INSERT INTO device_names (rowid, name, eui) VALUES ({texts.format(of='NEW')});"  # noqa: S608
    take = (
        "INSERT INTO device_names (device_names, rowid, name, eui) "  # noqa: S608 - names of columns
        f"VALUES ('delete', {texts.format(of='OLD')});"
    )
    for trigger in (
        f"device_names_put AFTER INSERT ON devices WHEN {new} BEGIN {put} END",
        f"device_names_changed AFTER UPDATE OF name, dev_eui ON devices WHEN {old} BEGIN {take} {put} END",
        f"device_names_taken AFTER DELETE ON devices WHEN {old} BEGIN {take} END",
    ):
        op.execute(f"CREATE TRIGGER {trigger}")


_POSTGRESQL = (
    """
    CREATE FUNCTION veldnet_trigrams(name text, eui text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_to_tsvector(array_agg(substr(padded, at, 3)))
        FROM (VALUES (lower(name COLLATE "C") || E'\\x01\\x01'), (lower(eui COLLATE "C") || E'\\x01\\x01'))
            AS texts (padded), generate_series(1, length(padded) - 2) AS at
    $$
    """,
    "CREATE TABLE device_names (ref bigint PRIMARY KEY REFERENCES devices ON DELETE CASCADE, "
    "trigrams tsvector NOT NULL)",
    "INSERT INTO device_names SELECT ref, veldnet_trigrams(name, dev_eui) FROM devices",
    "CREATE INDEX ix_device_names_trigrams ON device_names USING gin (trigrams) "
    "WITH (gin_pending_list_limit = 512)",
    """
    CREATE FUNCTION veldnet_put_names() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO device_names (ref, trigrams) SELECT ref, veldnet_trigrams(name, dev_eui) FROM new_devices;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION veldnet_change_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE device_names SET trigrams = veldnet_trigrams(NEW.name, NEW.dev_eui) WHERE ref = NEW.ref;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER device_names_put AFTER INSERT ON devices REFERENCING NEW TABLE AS new_devices "
    "FOR EACH STATEMENT EXECUTE FUNCTION veldnet_put_names()",
    "CREATE TRIGGER device_names_changed AFTER UPDATE OF name, dev_eui ON devices FOR EACH ROW "
    "WHEN (OLD.name <> NEW.name OR OLD.dev_eui <> NEW.dev_eui) EXECUTE FUNCTION veldnet_change_name()",
)


def _postgresql() -> None:
    for statement in _POSTGRESQL:
        op.get_bind().exec_driver_sql(statement)
