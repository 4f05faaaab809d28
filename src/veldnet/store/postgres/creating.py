"""A database gets today's schema, or is brought to it: all in one transaction, or not at all."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.exc import DBAPIError

from veldnet.store.alembic_chain import served_on, stamp, upgrade_within
from veldnet.store.interface import StoreError
from veldnet.store.migrating import HEAD, check_revision, current_revision, revision_of
from veldnet.store.nodes import database_time
from veldnet.store.schema import metadata, nodes
from veldnet.store.schema.columns import ON_POSTGRESQL

from .definitions import LOCKS, define
from .errors import driver_error

# No database of PostgreSQL has an older schema.
BASE = "0039"
# Nodes write and read while the first of a new version adds to their tables. None of them is held up longer
# than this by tables that somebody reads for long, and none ends the upgrade by a deadlock.
_LONGEST_WAIT = "2s"
_ATTEMPTS, _PAUSE = 15, 1.0
_IN_USE = ("40P01", "55P03")


def bring_to_head(engine: Engine) -> bool:
    """Create or upgrade the tables; True if there was something to do. Raises `UnknownRevision` where a newer
    version has upgraded them, `StoreError` where the database belongs to something else, or is read for too
    long."""
    if current_revision(engine) == HEAD:
        return False
    for _attempt in range(_ATTEMPTS):
        try:
            return _bring(engine)
        except DBAPIError as error:
            cause = driver_error(error)
            if cause is None or cause.sqlstate not in _IN_USE:
                raise
        time.sleep(_PAUSE)
    raise StoreError(
        "its tables could not be upgraded while others use them: look for a backup or a query that takes long"
    )


def _bring(engine: Engine) -> bool:
    with engine.begin() as connection:
        # However long another process takes that does it just now.
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, 3)"), {"lock": LOCKS})
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LONGEST_WAIT}'"))
        # Another process may have done it meanwhile.
        revision = revision_of(connection)
        if revision == HEAD:
            return False
        if revision is None:
            _create(connection)
        else:
            check_revision(revision, BASE)
            _refuse_beside_nodes(connection, revision)
            # No commit is under way that has some of the tables and wants others.
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock, 1)"), {"lock": LOCKS})
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
