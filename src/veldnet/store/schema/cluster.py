"""What the processes of an installation tell each other: changes, leases and the ids they have given."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from veldnet.store.transactions import transaction_number

from .columns import Ref, Text, metadata

# What changed in the inventory, so that a running server takes it up, also when another process wrote it.
changes = Table(
    "changes",
    metadata,
    Column("seq", Ref, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("ref", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # By which the log is read in an order that skips nothing; see `store.transactions`.
    Column("txn", BigInteger, nullable=False, server_default=transaction_number()),
    Index("ix_changes_txn_seq", "txn", "seq", info={"engine": "postgresql"}).ddl_if(dialect="postgresql"),
    sqlite_autoincrement=True,
)

# Processes that serve this database together. `epoch` is that of their joining, `process` their number in
# identifiers. What a node holds is others' to take once `expires_at` has passed by the clock of the database.
nodes = Table(
    "nodes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("process", Integer, nullable=False, unique=True),
    Column("version", Text, nullable=False),
    # Separated by blanks.
    Column("roles", Text, nullable=False),
    # Where it can be reached, as one JSON object.
    Column("addresses", Text, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # What it says of itself, as one JSON object.
    Column("status", Text, nullable=False, server_default="{}"),
)

# Who may write for a partition: a commit under an older epoch is refused. One without owner is free.
leases = Table(
    "leases",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    # The number of the owner in the identifiers that it gives.
    Column("process", Integer, nullable=False, server_default="0"),
)

# The highest id of frames, deliveries and notifications that each process gave: the next one is above all of
# them, also where the rows that had them are gone.
id_marks = Table(
    "id_marks",
    metadata,
    Column("process", Integer, primary_key=True, autoincrement=False),
    Column("last_id", BigInteger, nullable=False),
)

# Where the clock was set back: from `first_id` on, ids are ahead of the clock by so many milliseconds.
id_steps = Table(
    "id_steps",
    metadata,
    Column("first_id", BigInteger, primary_key=True, autoincrement=False),
    Column("ahead", BigInteger, nullable=False),
)

properties = Table(
    "properties",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
