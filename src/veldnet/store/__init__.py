"""Durable state: the schema and its migrations, the engines, and the group commit's writer.

Only this room knows SQL dialects. It imports nothing else of Veldnet.
"""

from sqlalchemy import Connection

from .database import Damaged, Database, DatabaseStore
from .digests import MovedTable
from .engine_store import EngineStore
from .ids import (
    IdRange,
    IdSource,
    IdStep,
    Timeline,
    first_id_at,
    forget_steps,
    id_within,
    millis_of,
    process_of,
    read_timeline,
)
from .interface import Conflict, DeliveryRow, LeaseLost, PendingQueue, Store, StoreError
from .journal_days import drop_day, is_kept_by_days
from .leases import Lease, Proof
from .locks import lock_row, lock_table
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
from .moment import moment
from .name_index import index_names, named
from .node_leases import NodeLeases
from .nodes import ClusterView, Held, NewNode, Node, NodeInUse, read_cluster
from .opening import move_to_postgres, postgres_database
from .properties import read_property, write_property
from .rows import (
    ALARM_INFOS,
    HOURLY_COUNTERS,
    AcknowledgementRow,
    AlarmRow,
    AnsweredDownlinkRow,
    AttemptRow,
    BodyRow,
    CheckRow,
    DeliveredRow,
    DeliveryResultRow,
    DownlinkRow,
    FrameRow,
    HealthRow,
    HourlyRow,
    JoinMemoryRow,
    MuteRow,
    NewDeliveryRow,
    NotificationRow,
    PastAlarmRow,
    Row,
    Rows,
    SetAsideRow,
    Statement,
    StateRow,
    five_infos,
)
from .sqlite import SqliteStore, sqlite_engine
from .sqlite_database import SqliteFile
from .transactions import settled_before
from .triggers import appended_counts, create_triggers, fold_device_counts
from .upserts import insert_new, put

__all__ = [
    "ALARM_INFOS",
    "HEAD",
    "HOURLY_COUNTERS",
    "AcknowledgementRow",
    "AlarmRow",
    "AnsweredDownlinkRow",
    "AttemptRow",
    "BodyRow",
    "CheckRow",
    "ClusterView",
    "Conflict",
    "Connection",
    "Damaged",
    "Database",
    "DatabaseStore",
    "DeliveredRow",
    "DeliveryResultRow",
    "DeliveryRow",
    "DownlinkRow",
    "EngineStore",
    "FrameRow",
    "HealthRow",
    "Held",
    "HourlyRow",
    "IdRange",
    "IdSource",
    "IdStep",
    "JoinMemoryRow",
    "Lease",
    "LeaseLost",
    "MovedTable",
    "MuteRow",
    "NewDeliveryRow",
    "NewNode",
    "Node",
    "NodeInUse",
    "NodeLeases",
    "NotificationRow",
    "PastAlarmRow",
    "PendingQueue",
    "Proof",
    "Row",
    "Rows",
    "SetAsideRow",
    "SqliteFile",
    "SqliteStore",
    "StateRow",
    "Statement",
    "Store",
    "StoreError",
    "Timeline",
    "UnknownRevision",
    "appended_counts",
    "base_station_history",
    "check_revision",
    "copy_database",
    "coverage",
    "create_triggers",
    "current_revision",
    "drop_day",
    "expressions",
    "first_id_at",
    "five_infos",
    "fold_device_counts",
    "forget_steps",
    "hot_reads",
    "id_within",
    "index_names",
    "insert_new",
    "is_kept_by_days",
    "lock_row",
    "lock_table",
    "made_history",
    "migrate",
    "millis_of",
    "moment",
    "move_to_postgres",
    "named",
    "open_at_rest",
    "postgres_database",
    "process_of",
    "put",
    "read_cluster",
    "read_property",
    "read_timeline",
    "schema",
    "settled_before",
    "snapshot",
    "sqlite_database",
    "sqlite_engine",
    "sync_directory",
    "write_property",
]
