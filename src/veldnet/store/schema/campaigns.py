"""Campaigns: a file for many devices, how far each is, and what they have answered."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table

from .columns import Ref, Text, metadata

campaigns = Table(
    "campaigns",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False),
    Column("name", Text, nullable=False),
    # firmware or configuration.
    Column("kind", Text, nullable=False),
    # scheduled, running, paused, aborted or complete.
    Column("state", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    # Fragment size, redundancy and the like, as JSON.
    Column("options", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    # SHA-256.
    Column("digest", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    # The multicast group that it has of its own, while it has not ended.
    Column("group_ref", BigInteger),
    # Why it could not be worked on, since when and how many times running; it rests until `retry_at`.
    Column("failure", Text),
    Column("failed_at", BigInteger),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("retry_at", BigInteger),
    Index("ix_campaigns_group_ref", "group_ref"),
    Index("ix_campaigns_subscriber_ref", "subscriber_ref"),
    Index("ix_campaigns_state", "state"),
    sqlite_autoincrement=True,
)

campaign_devices = Table(
    "campaign_devices",
    metadata,
    Column("campaign_ref", ForeignKey("campaigns.ref", ondelete="CASCADE"), primary_key=True),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), primary_key=True),
    Column("state", Text, nullable=False),
    # Why it is in that state: a code, and behind a colon a number.
    Column("reason", Text),
    # Fragments that were submitted, and how many are to be.
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("target", Integer, nullable=False, server_default="0"),
    # Fragments that the device said it still needs.
    Column("missing", Integer),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("rounds", Integer, nullable=False, server_default="0"),
    # Whether it waits for air time instead of an answer.
    Column("held", Boolean, nullable=False, server_default="0"),
    # When something is to be done for it unless it answers before; NULL once it has come to an end.
    Column("due_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
    # The newest session of the group that it was told of.
    Column("session", Integer, nullable=False, server_default="0"),
    Index("ix_campaign_devices_campaign_ref_due_at", "campaign_ref", "due_at"),
    Index("ix_campaign_devices_device_ref", "device_ref"),
    sqlite_with_rowid=False,
)

# When devices listen to the group of a campaign, and the fragments that it is sent meanwhile.
campaign_sessions = Table(
    "campaign_sessions",
    metadata,
    Column("campaign_ref", ForeignKey("campaigns.ref", ondelete="CASCADE"), primary_key=True),
    # From 1.
    Column("number", Integer, primary_key=True),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    # Devices listen for 2^n seconds, or beacon periods.
    Column("timeout", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    # The last fragment that was submitted.
    Column("sent", Integer, nullable=False),
    # Milliseconds from one fragment to the next.
    Column("spacing", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What devices of campaigns have sent and received, from the commits of their frames until it is worked off.
campaign_events = Table(
    "campaign_events",
    metadata,
    # That of the frame.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("device_ref", BigInteger, nullable=False),
    # Port and payload of an answer; of a downlink NULL.
    Column("fport", Integer),
    Column("payload", LargeBinary),
    # Of a downlink: how many of the campaign still wait, the base station and tenths of a millisecond on air.
    Column("waiting", Integer),
    Column("base_station", BigInteger),
    Column("airtime", Integer),
)
