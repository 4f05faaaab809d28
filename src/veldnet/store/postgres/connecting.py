"""Connections to PostgreSQL: how they are set up, and what is wrong with a server in one sentence."""

from __future__ import annotations

import select
from typing import Any

import msgspec
import psycopg
from psycopg.pq import ConnStatus
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from veldnet.store.interface import StoreError

from . import texts
from .connection_gate import ConnectionGate
from .errors import words

OLDEST = 15
# Connections of a process: those that read, and those of management; one more writes frames.
READERS, WRITERS = 4, 2

# Seconds. A server that has gone is noticed, also where its machine says nothing any more.
_LIBPQ: dict[str, str | int] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "veldnet",
}
# A lock that does not come is an error, as a locked SQLite file is. Transactions of a process that hangs end.
_SESSION = {
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "client_encoding": "UTF8",
    # Only those that SQL needs: what is compiled for a query of a millisecond is not worth it.
    "jit": "off",
}
# Lists look up thousands of rows by their keys, in indexes that are in memory or on a disk without heads. By
# the server's default, for disks with heads, PostgreSQL reads all of a table instead: 0.7 s where 0.2 do.
_READS = {"random_page_cost": "1.1"}
# Rows of a commit are found by their keys in the order in which they are given, so that two writers lock
# them in one order; whatever the statistics of the tables say.
_COMMITS = {
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "statement_timeout": "60s",
}


def _options(extra: dict[str, str]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in (_SESSION | extra).items())


def other_engine(url: URL) -> Engine:
    """One connection to the database of another program, which is read as it was at one moment."""
    return create_engine(
        url,
        connect_args=_LIBPQ | {"options": "-c lock_timeout=30s -c client_encoding=UTF8"},
        pool_size=1,
        max_overflow=0,
        isolation_level="REPEATABLE READ",
    )


def commit_connection(url: URL) -> psycopg.Connection[Any]:
    """The connection that writes frames; it begins and commits by statements."""
    return psycopg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False),
        autocommit=True,
        # `Pipeline` prepares its statements. Those of the driver would take them along: once a table has been
        # altered, as when a day is made, it deallocates all that there are.
        prepare_threshold=None,
        **(_LIBPQ | {"options": _options(_COMMITS)}),  # type: ignore[arg-type]
    )


def engine(
    url: URL, gate: ConnectionGate | None, *, size: int, reading: bool = False, patience: int | None = None
) -> Engine:
    """A pool of connections, which are opened by turns at `gate` where there is one. Those that read see one
    state of the database in a transaction. The server is waited for as many seconds as `patience` says, where
    that is given."""
    libpq, session = _LIBPQ, dict(_READS if reading else {})
    if patience is not None:
        libpq = libpq | {"connect_timeout": patience, "tcp_user_timeout": patience * 1000}
        session |= dict.fromkeys(("lock_timeout", "statement_timeout"), f"{patience}s")
    made = create_engine(
        url,
        connect_args=libpq | {"options": _options(session)},
        pool_size=size,
        max_overflow=0,
        pool_timeout=30,
        isolation_level="REPEATABLE READ" if reading else "READ COMMITTED",
        # Half of the statements are prepared by the driver once they come often.
        query_cache_size=1000,
    )

    @event.listens_for(made, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.read_only = reading
        texts.register(connection)

    if gate is not None:

        @event.listens_for(made, "do_connect")
        def connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
            return gate.open(lambda: dialect.connect(*arguments, **options))

    return made


def has_gone(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has closed a connection that nothing was asked on since."""
    if connection.closed:
        return True
    try:
        # Its last words come before the end.
        while select.select([connection.fileno()], [], [], 0)[0]:
            connection.pgconn.consume_input()
            if connection.pgconn.status != ConnStatus.OK:
                return True
    except (psycopg.Error, OSError, ValueError):
        return True
    return False


class FoundDatabase(msgspec.Struct, frozen=True):
    """A database: its number in its server, and which server that is, with the history it goes by (`place`)
    and without (`origin`). `safe` where a commit is on a standby, too, before it is acknowledged."""

    number: int
    place: str
    origin: str
    safe: bool

    def continued_by(self, other: FoundDatabase) -> bool:
        """Whether another one has all that was acknowledged here: it is the same one, or a standby that was
        promoted and had got everything."""
        return other.place == self.place or self.safe


# The history that a server writes: that of its last checkpoint is the one before for a while after a standby
# was promoted. A standby writes none.
_FOUND = """
SELECT oid::bigint, pg_is_in_recovery(), has_schema_privilege(current_schema(), 'CREATE'), current_user,
    (SELECT system_identifier FROM pg_control_system()),
    CASE WHEN NOT pg_is_in_recovery() THEN
        ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint END,
    current_setting('synchronous_standby_names') <> ''
        AND current_setting('synchronous_commit') IN ('on', 'remote_apply', 'remote_write')
FROM pg_database WHERE datname = current_database()
"""


def find(connection: psycopg.Connection[Any]) -> FoundDatabase:
    """Which database a connection is to. Raises `StoreError` where it cannot be used as it is."""
    row = connection.execute(_FOUND).fetchone()
    assert row is not None
    number, standby, may_create, user, system, timeline, safe = row
    if standby:
        raise StoreError("it is a standby, which cannot be written; name the primary")
    if not may_create:
        raise StoreError(
            f"the user {user} may not create tables in it; make it the owner: "
            f"ALTER DATABASE ... OWNER TO {user}"
        )
    return FoundDatabase(int(number), f"{system}/{timeline}/{number}", f"{system}-{number}", bool(safe))


def check_server(url: URL) -> FoundDatabase:
    """Make sure that the database can be used. Raises `StoreError` with what to do about it."""
    try:
        with commit_connection(url) as connection:
            if connection.info.server_version < OLDEST * 10_000:
                version = connection.info.parameter_status("server_version")
                raise StoreError(f"its version is {version}; Veldnet needs PostgreSQL {OLDEST} or later")
            encoding = connection.info.parameter_status("server_encoding")
            if encoding != "UTF8":
                raise StoreError(
                    f"its encoding is {encoding}; create it with ENCODING 'UTF8' TEMPLATE template0"
                )
            return find(connection)
    except psycopg.Error as error:
        raise StoreError(words(error)) from None
