"""The index of names in PostgreSQL tells those of names from those of DevEUIs."""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION veldnet_trigrams(name text, eui text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_agg(mark || substr(padded, at, 3)))
    FROM (VALUES ('', lower(name COLLATE "C") || E'\\x01\\x01'),
        (E'\\x02', lower(eui COLLATE "C") || E'\\x01\\x01'))
        AS texts (mark, padded), generate_series(1, length(padded) - 2) AS at
$$
    """,
    "DROP INDEX ix_device_names_trigrams",
    "TRUNCATE device_names",
    "INSERT INTO device_names SELECT ref, veldnet_trigrams(name, dev_eui) FROM devices",
    "CREATE INDEX ix_device_names_trigrams ON device_names USING gin (trigrams) "
    "WITH (gin_pending_list_limit = 512)",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in _POSTGRESQL:
            op.get_bind().exec_driver_sql(statement)
