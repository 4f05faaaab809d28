"""Devices counted and in order, so that lists and maps of many devices do not look at each."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, text

from .columns import Ref, Text, metadata, on_postgresql

# Devices of a subscriber in each state of health and with each worst alarm, by blocks of their refs; triggers
# on `devices` keep it (see `store.triggers`): a count is the sum of its parts. So health is counted, and a
# page far behind is found, without walking through all devices before.
DEVICE_BLOCK_BITS = 12


def _appended_index(table: str) -> Index:
    """What transactions of PostgreSQL have appended and nobody has added up."""
    index = Index(
        f"ix_{table}_appended",
        "part",
        info={"engine": "postgresql"} | on_postgresql(where=text("part <> 0")),
    )
    return index.ddl_if(dialect="postgresql")


device_counts = Table(
    "device_counts",
    metadata,
    Column("subscriber_ref", BigInteger, nullable=False),
    # The ref without its lowest bits.
    Column("block", BigInteger, nullable=False),
    Column("health", Integer, nullable=False),
    Column("alarm", Integer, nullable=False),
    # 0, or the transaction that has appended this.
    Column("part", BigInteger, nullable=False, server_default="0"),
    Column("devices", BigInteger, nullable=False),
    PrimaryKeyConstraint("subscriber_ref", "block", "health", "alarm", "part"),
    _appended_index("device_counts"),
    sqlite_with_rowid=False,
)

# Devices that have been heard, by the hour since 1970 of their last uplink and by their mean error rate in
# percent, as they were when the chore that orders devices came past. Moving an index with each uplink would
# cost a tenth of all that an uplink takes. The property tells since when nothing in it has been older.
ORDERED_AT = "devices_ordered_at"
device_order = Table(
    "device_order",
    metadata,
    Column(
        "device_ref",
        Ref,
        ForeignKey("devices.ref", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("heard_hour", Integer, nullable=False),
    Column("lost_percent", Integer, nullable=False),
    Index("ix_device_order_heard_hour", "subscriber_ref", "heard_hour", "device_ref"),
    Index("ix_device_order_lost_percent", "subscriber_ref", "lost_percent", "device_ref"),
)

# Devices that have a place, by cells of a hundredth and of a tenth of a degree; triggers on `devices` keep
# both in the same way. So the map of a whole country is drawn without looking at each device, or at 200,000
# cells. A plan or profile is 0 where a device has none; few of all pairs of them occur in a cell.
CELLS_A_DEGREE = 100
AREAS_A_DEGREE = 10


def _cells(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("subscriber_ref", BigInteger, nullable=False),
        # Cells from the south pole and from the date line.
        Column("row", Integer, nullable=False),
        Column("col", Integer, nullable=False),
        Column("health", Integer, nullable=False),
        Column("alarm", Integer, nullable=False),
        Column("plan_ref", BigInteger, nullable=False),
        Column("profile_ref", BigInteger, nullable=False),
        Column("routing_profile_ref", BigInteger, nullable=False),
        Column("part", BigInteger, nullable=False, server_default="0"),
        Column("devices", BigInteger, nullable=False),
        PrimaryKeyConstraint(
            "subscriber_ref",
            "row",
            "col",
            "health",
            "alarm",
            "plan_ref",
            "profile_ref",
            "routing_profile_ref",
            "part",
        ),
        _appended_index(name),
        sqlite_with_rowid=False,
    )


device_cells = _cells("device_cells")
device_areas = _cells("device_areas")


class DeviceList(IntEnum):
    """Orders of a subscriber's devices of which blocks are counted, too; `HEARD` are the blocks of refs, of
    devices in `device_order`."""

    NAME = 0
    EUI = 1
    LAST_UPLINK = 2
    PER = 3
    HEARD = 4


# Where the blocks of a list begin; what stands before all of these is in block 0. `store.list_blocks` divides
# blocks that have grown, and puts small ones together.
device_text_bounds = Table(
    "device_text_bounds",
    metadata,
    Column("list", Integer, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("dev_eui", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    PrimaryKeyConstraint("list", "subscriber_ref", "key", "dev_eui"),
    sqlite_with_rowid=False,
)

device_number_bounds = Table(
    "device_number_bounds",
    metadata,
    Column("list", Integer, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("key", BigInteger, nullable=False),
    Column("device_ref", BigInteger, nullable=False),
    Column("block", BigInteger, nullable=False),
    PrimaryKeyConstraint("list", "subscriber_ref", "key", "device_ref"),
    sqlite_with_rowid=False,
)

# How many devices stand in each block of a list; in those of names and DevEUIs, by state of health.
device_list_counts = Table(
    "device_list_counts",
    metadata,
    Column("list", Integer, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("health", Integer, nullable=False),
    Column("part", BigInteger, nullable=False, server_default="0"),
    Column("devices", BigInteger, nullable=False),
    PrimaryKeyConstraint("list", "subscriber_ref", "block", "health", "part"),
    _appended_index("device_list_counts"),
    sqlite_with_rowid=False,
)
