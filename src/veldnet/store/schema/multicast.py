"""Multicast groups, their members, the frames that they were sent, and the tags of base stations."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    text,
)

from .columns import Ref, Text, metadata, on_postgresql

multicast_groups = Table(
    "multicast_groups",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False, index=True),
    Column("dev_eui", Text, nullable=False, unique=True),
    Column("dev_addr", BigInteger, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # B or C.
    Column("group_class", Text, nullable=False),
    # Seconds between two ping slots; NULL in class C.
    Column("ping_period", Integer),
    # Hz, and index of the region; NULL for those of the region.
    Column("frequency", BigInteger),
    Column("data_rate", Integer),
    Column("region", Text, nullable=False),
    Column("plan_ref", ForeignKey("connectivity_plans.ref"), index=True),
    Column("routing_profile_ref", ForeignKey("routing_profiles.ref"), index=True),
    Column("hsm_group_ref", ForeignKey("hsm_groups.ref")),
    # NwkSKey and, where the network may read payloads, AppSKey.
    Column("sealed_keys", LargeBinary, nullable=False),
    # McKey, of which they are derived, where it was given or made here.
    Column("sealed_mc_key", LargeBinary),
    # ALL, TAGS or MEMBERS: which base stations send to the group.
    Column("coverage", Text, nullable=False),
    # Tags of base stations, as a JSON array.
    Column("tags", Text, nullable=False),
    # By the DevEUI; see `domain.partitions`.
    Column("partition", Integer, nullable=False),
    Column("state", LargeBinary),
    # 1 while something waits or is being sent; a starting server asks for these.
    Column("busy", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    Index(
        "ix_multicast_groups_busy",
        "ref",
        sqlite_where=text("busy IS NOT NULL"),
        info=on_postgresql(where=text("busy IS NOT NULL")),
    ),
    sqlite_autoincrement=True,
)

multicast_members = Table(
    "multicast_members",
    metadata,
    Column("group_ref", ForeignKey("multicast_groups.ref", ondelete="CASCADE"), nullable=False),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("group_ref", "device_ref"),
    sqlite_with_rowid=False,
)

# By the id of the submission. `state`: 1 queued, 2 sending, 3 sent by all base stations, 4 aborted, 5
# discarded.
multicast_frames = Table(
    "multicast_frames",
    metadata,
    Column("id", Ref, primary_key=True, autoincrement=False),
    Column("group_ref", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("state", Integer, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("fport", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("fcnt", BigInteger),
    Column("correlation_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", BigInteger),
    Column("stations", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    # Causes of failure and how often, `A3=2,D0=7`.
    Column("causes", Text, nullable=False),
    # What became of it at each base station, packed.
    Column("results", LargeBinary),
    Column("reason", Text),
    Index("ix_multicast_frames_group_ref_id", "group_ref", "id"),
    Index("ix_multicast_frames_subscriber_ref_id", "subscriber_ref", "id"),
)

base_station_tags = Table(
    "base_station_tags",
    metadata,
    Column("base_station_ref", ForeignKey("base_stations.ref", ondelete="CASCADE"), nullable=False),
    Column("tag", Text, nullable=False, index=True),
    PrimaryKeyConstraint("base_station_ref", "tag"),
    sqlite_with_rowid=False,
)
