"""Frames and what became of them, deliveries and downlinks; frames and bodies are cut off by days."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from veldnet.store.rows import HOURLY_COUNTERS, FrameRow

from .columns import Ref, Text, metadata, on_postgresql

frames = Table(
    "frames",
    metadata,
    Column("id", BigInteger, nullable=False),
    Column("device_ref", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("fcnt", BigInteger),
    Column("fport", Integer),
    Column("size", Integer, nullable=False),
    # Tenths of a dB(m).
    Column("rssi", Integer),
    Column("snr", Integer),
    Column("data_rate", Integer),
    Column("base_station", BigInteger),
    Column("copies", Integer, nullable=False),
    # When the frame was on air, where its id does not tell: late frames, and after the clock was set back.
    Column("at", BigInteger),
    # Bits: 1 late, 2 over the limit of its regulator.
    Column("flags", Integer, nullable=False, server_default="0"),
    # FCntUp's distance to the uplink before; NULL for the first of a session.
    Column("gap", Integer),
    # Tenths of a millisecond on air.
    Column("airtime", Integer),
    # LoRa's spreading factor.
    Column("sf", Integer),
    # Every copy where there are several, eight octets each; see `copies`.
    Column("heard", LargeBinary),
    Column("subscriber_ref", BigInteger),
    Column("plan_ref", BigInteger),
    # DevStatusAns, with the uplink that brought it.
    Column("battery", Integer),
    Column("margin", Integer),
    # The frames of a device lie side by side: a week of them is a page or two of the disk, not one each.
    PrimaryKeyConstraint("device_ref", "id"),
    Index("ix_frames_id", "id", unique=True),
    sqlite_with_rowid=False,
    # By days; see `store.postgres.days`.
    info=on_postgresql(partition_by="RANGE (id)"),
)
# In the order of a frame row's fields.
FRAME_COLUMNS = tuple(frames.c[name] for name in FrameRow.__struct_fields__)

frame_bodies = Table(
    "frame_bodies",
    metadata,
    Column("frame_id", BigInteger, nullable=False),
    # 0 is the record, later parts are copies that came after the deduplication window.
    Column("part", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("frame_id", "part"),
    sqlite_with_rowid=False,
    info=on_postgresql(partition_by="RANGE (frame_id)"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Ref, primary_key=True, autoincrement=False),
    Column("frame_id", BigInteger, nullable=False),
    Column("device_ref", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("queue", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # 0 pending, 1 undelivered: set aside for `reason`.
    Column("state", Integer, nullable=False),
    Column("last_error", Text),
    Column("message", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_attempt_at", BigInteger),
    Column("next_attempt_at", BigInteger),
    # The address of the last attempt.
    Column("address", Text),
    Column("reason", Text),
    Index("ix_deliveries_queue", "device_ref", "queue", "state", "id"),
    Index("ix_deliveries_state_id", "state", "id"),
    # What waits or was set aside of one subscriber, however much there is of the others.
    Index("ix_deliveries_subscriber", "subscriber_ref", "state", "id"),
)

delivery_results = Table(
    "delivery_results",
    metadata,
    Column("frame_id", BigInteger, nullable=False),
    Column("delivery_id", BigInteger, nullable=False),
    Column("result", LargeBinary, nullable=False),
    PrimaryKeyConstraint("frame_id", "delivery_id"),
    sqlite_with_rowid=False,
)

# Downlinks of application servers from the queue to their end, by the id of their submission. `state`: 1
# queued, 2 sending, 3 sent, 4 acknowledged, 5 not acknowledged, 6 failed, 7 cancelled.
downlinks = Table(
    "downlinks",
    metadata,
    Column("id", Ref, primary_key=True, autoincrement=False),
    Column("device_ref", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("state", Integer, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("fport", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    # NULL where only the size was kept.
    Column("payload", LargeBinary),
    Column("confirmed", Boolean, nullable=False),
    Column("fcnt", BigInteger),
    Column("priority", Integer, nullable=False),
    # Meant for the session that a join opened and no uplink has confirmed yet.
    Column("after_join", Boolean, nullable=False),
    Column("expires_at", BigInteger),
    Column("correlation_id", Text),
    Column("sending_at", BigInteger),
    Column("sent_at", BigInteger),
    # What the journal says of the transmission.
    Column("frame_id", BigInteger),
    Column("base_station", BigInteger),
    Column("slot", Integer),
    # Slots and ThingPark's codes of failure, `RX1:A3 RX2:DA`.
    Column("causes", Text),
    Column("reason", Text),
    # The uplink that acknowledged a confirmed one, or did not.
    Column("answered_at", BigInteger),
    Column("answer_frame_id", BigInteger),
    Index("ix_downlinks_subscriber_ref_id", "subscriber_ref", "id"),
    Index("ix_downlinks_subscriber_ref_state_id", "subscriber_ref", "state", "id"),
    Index("ix_downlinks_device_ref_id", "device_ref", "id"),
)

# Totals by the hour: `scope` 1 subscriber, 2 connectivity plan, 3 base station. Sums of levels are in tenths
# of a dB(m), of error rates in ten-thousandths, of airtime in tenths of a millisecond.
hourly_statistics = Table(
    "hourly_statistics",
    metadata,
    Column("scope", Integer, nullable=False),
    Column("scope_ref", BigInteger, nullable=False),
    # Hours since 1970.
    Column("hour", Integer, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in HOURLY_COUNTERS),
    PrimaryKeyConstraint("scope", "scope_ref", "hour"),
    Index("ix_hourly_statistics_hour", "hour"),
    sqlite_with_rowid=False,
)
