"""Durable state: the schema and its migrations, the engines, and the group commit's writer.

Only this room knows SQL dialects. It imports nothing else of Veldnet.
"""

from .ids import IdSource, first_id_at, millis_of
from .interface import DeliveryRow, DeviceRow, LeaseLost, Rows, Statement, Store, StoreError
from .migrating import migrate, snapshot
from .sqlite import PARTITIONS, SqliteStore

__all__ = [
    "PARTITIONS",
    "DeliveryRow",
    "DeviceRow",
    "IdSource",
    "LeaseLost",
    "Rows",
    "SqliteStore",
    "Statement",
    "Store",
    "StoreError",
    "first_id_at",
    "migrate",
    "millis_of",
    "snapshot",
]
