"""Durable state: the schema and its migrations, the engines, and the group commit's writer.

Only this room knows SQL dialects. It imports nothing else of Veldnet.
"""

from .ids import (
    IdRange,
    IdSource,
    IdStep,
    Timeline,
    first_id_at,
    forget_steps,
    id_within,
    millis_of,
    read_timeline,
)
from .interface import Conflict, DeliveryRow, LeaseLost, Rows, Statement, Store, StoreError
from .migrating import (
    HEAD,
    UnknownRevision,
    check_revision,
    copy_database,
    current_revision,
    migrate,
    open_at_rest,
    snapshot,
    sync_directory,
)
from .properties import read_property, write_property
from .sqlite import PARTITIONS, SqliteStore, sqlite_engine

__all__ = [
    "HEAD",
    "PARTITIONS",
    "Conflict",
    "DeliveryRow",
    "IdRange",
    "IdSource",
    "IdStep",
    "LeaseLost",
    "Rows",
    "SqliteStore",
    "Statement",
    "Store",
    "StoreError",
    "Timeline",
    "UnknownRevision",
    "check_revision",
    "copy_database",
    "current_revision",
    "first_id_at",
    "forget_steps",
    "hot_reads",
    "id_within",
    "migrate",
    "millis_of",
    "open_at_rest",
    "read_property",
    "read_timeline",
    "schema",
    "snapshot",
    "sqlite_engine",
    "sync_directory",
    "write_property",
]
