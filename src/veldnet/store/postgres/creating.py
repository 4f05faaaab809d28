"""A database gets today's schema, or is brought to it: all in one transaction, or not at all."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, select, text

from veldnet.store.alembic_chain import served_on, stamp, upgrade_within
from veldnet.store.interface import StoreError
from veldnet.store.migrating import HEAD, check_revision, current_revision, revision_of
from veldnet.store.nodes import database_time
from veldnet.store.schema import metadata, nodes
from veldnet.store.schema.columns import ON_POSTGRESQL

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
            _refuse_beside_nodes(connection, revision)
            upgrade_within(connection)
    return True


def _refuse_beside_nodes(connection: Connection, revision: str) -> None:
    """Tables do not change under nodes that know nothing of it."""
    if revision in served_on() or not inspect(connection).has_table("nodes"):
        return
    lives = nodes.c.expires_at > database_time(connection)
    found = connection.execute(select(nodes.c.name, nodes.c.version).where(lives).order_by(nodes.c.name))
    living = [f"{node.name} of version {node.version}" for node in found]
    if living:
        raise StoreError(
            f"its tables are those of another version (revision {revision}, this one has {HEAD}), and nodes "
            f"serve on them: {', '.join(living)}; stop these before the first of this version starts"
        )


def _create(connection: Connection) -> None:
    there = inspect(connection).get_table_names()
    if there:
        raise StoreError(
            f"it has tables of something else, {sorted(there)[0]} among them; "
            "give Veldnet a database of its own"
        )
    _take_up_options()
    metadata.create_all(connection, checkfirst=False)
    define(connection)
    stamp(connection)


def _take_up_options() -> None:
    """Tell SQLAlchemy what tables and indexes have on PostgreSQL alone."""
    for table in metadata.tables.values():
        table.dialect_options["postgresql"].update(table.info.get(ON_POSTGRESQL, {}))
        for index in table.indexes:
            index.dialect_options["postgresql"].update(index.info.get(ON_POSTGRESQL, {}))
