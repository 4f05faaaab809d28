"""A database gets today's schema, or is brought to it: all in one transaction, or not at all."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text

from veldnet.store.alembic_chain import stamp, upgrade_within
from veldnet.store.interface import StoreError
from veldnet.store.migrating import HEAD, check_revision, current_revision, revision_of
from veldnet.store.schema import metadata

from .definitions import define

# No database of PostgreSQL has an older schema.
BASE = "0039"
# Among the advisory locks of the database.
_LOCK = 0x56454C44


def bring_to_head(engine: Engine) -> bool:
    """Create or upgrade the tables; True if there was something to do. Raises `UnknownRevision` where a newer
    version has upgraded them, `StoreError` where the database belongs to something else."""
    if current_revision(engine) == HEAD:
        return False
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, 3)"), {"lock": _LOCK})
        # Another process may have done it meanwhile.
        revision = revision_of(connection)
        if revision == HEAD:
            return False
        if revision is None:
            _create(connection)
        else:
            check_revision(revision, BASE)
            upgrade_within(connection)
    return True


def _create(connection: Connection) -> None:
    there = inspect(connection).get_table_names()
    if there:
        raise StoreError(
            f"it has tables of something else, {sorted(there)[0]} among them; "
            "give Veldnet a database of its own"
        )
    metadata.create_all(connection, checkfirst=False)
    define(connection)
    stamp(connection)
