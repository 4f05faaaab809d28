"""Devices and their state, their tags and imports, and what reads their payloads."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    text,
)

from .columns import Ref, Text, metadata, on_postgresql

devices = Table(
    "devices",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref"), nullable=False),
    Column("dev_eui", Text, nullable=False, unique=True),
    Column("join_eui", Text),
    Column("name", Text, nullable=False),
    Column("activation_type", Text, nullable=False),
    Column("device_class", Text, nullable=False),
    Column("profile_ref", ForeignKey("device_profiles.ref"), nullable=False),
    Column("plan_ref", ForeignKey("connectivity_plans.ref")),
    Column("routing_profile_ref", ForeignKey("routing_profiles.ref")),
    Column("processing_strategy", Text),
    Column("hsm_group_ref", ForeignKey("hsm_groups.ref")),
    Column("sealed_app_key", LargeBinary),
    # LoRaWAN 1.1 has a second root key.
    Column("sealed_nwk_key", LargeBinary),
    # For multicast groups and updates of devices of LoRaWAN 1.0.x.
    Column("sealed_gen_app_key", LargeBinary),
    Column("motion_indicator", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    # By the DevEUI, or the DevAddr of a personalised device; see `domain.partitions`.
    Column("partition", Integer, nullable=False, server_default="0"),
    # 0 INIT, 1 ACTIVE, 2 RF_CNX_ERROR.
    Column("health", Integer, nullable=False, server_default="0"),
    # The worst state of its alarms that nobody has acknowledged, 0 without any; triggers on `alarms` keep it
    # (see `store.alarm_triggers`).
    Column("alarm", Integer, nullable=False, server_default="0"),
    # Members that the network does not act upon, as one JSON object.
    Column("details", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    Index("ix_devices_subscriber_ref_ref", "subscriber_ref", "ref"),
    Index("ix_devices_subscriber_ref_health_ref", "subscriber_ref", "health", "ref"),
    # Devices with an alarm, and all in the order of their worst.
    Index("ix_devices_subscriber_ref_alarm_ref", "subscriber_ref", "alarm", "ref", "health"),
    Index("ix_devices_routing_profile_ref", "routing_profile_ref"),
    # Plans and profiles that few devices have.
    Index("ix_devices_subscriber_ref_plan_ref", "subscriber_ref", "plan_ref"),
    Index("ix_devices_subscriber_ref_profile_ref", "subscriber_ref", "profile_ref"),
    # Searching and sorting read these alone, not the rows.
    Index(
        "ix_devices_subscriber_ref_name",
        "subscriber_ref",
        "name",
        "dev_eui",
        "health",
        info=on_postgresql(include=["ref"]),
    ),
    Index(
        "ix_devices_subscriber_ref_dev_eui",
        "subscriber_ref",
        "dev_eui",
        "health",
        info=on_postgresql(include=["ref"]),
    ),
    # The last four digits of the DevEUI: labels show the end.
    Index("ix_devices_eui_end", text("substr(dev_eui, 13)"), "subscriber_ref", "dev_eui"),
    Index(
        "ix_devices_position",
        "subscriber_ref",
        "latitude",
        "longitude",
        "health",
        sqlite_where=text("latitude IS NOT NULL"),
        info=on_postgresql(where=text("latitude IS NOT NULL")),
    ),
    sqlite_autoincrement=True,
)

# Functions that read payloads: JavaScript, or a format that is built in.
decoders = Table(
    "decoders",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    # JAVASCRIPT or CAYENNE_LPP.
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    # Units of the readings by their names, as one JSON object.
    Column("units", Text, nullable=False, server_default="{}"),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Which decoder a subscriber uses for the devices of a profile.
decoder_bindings = Table(
    "decoder_bindings",
    metadata,
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False),
    Column("profile_ref", ForeignKey("device_profiles.ref", ondelete="CASCADE"), nullable=False),
    Column("decoder_ref", ForeignKey("decoders.ref", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("subscriber_ref", "profile_ref"),
)

# Imports of devices, and what they created, so that they can be undone.
imports = Table(
    "imports",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("undone_at", BigInteger),
    sqlite_autoincrement=True,
)

# Devices by tag, for filters; the tags of a device are in its details.
device_tags = Table(
    "device_tags",
    metadata,
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False),
    Column("tag", Text, nullable=False),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False, index=True),
    # Those of the device, by triggers (`store.tag_names`).
    Column("name", Text, nullable=False, server_default=""),
    Column("dev_eui", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("subscriber_ref", "tag", "device_ref"),
    Index("ix_device_tags_name", "subscriber_ref", "tag", "name", "dev_eui", "device_ref"),
    Index("ix_device_tags_dev_eui", "subscriber_ref", "tag", "dev_eui", "device_ref"),
    sqlite_with_rowid=False,
)

imported_devices = Table(
    "imported_devices",
    metadata,
    Column("import_ref", ForeignKey("imports.ref", ondelete="CASCADE"), nullable=False),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("import_ref", "device_ref"),
    sqlite_with_rowid=False,
)

# What imports from other network servers made beside devices: its kind, and how it is found.
imported_things = Table(
    "imported_things",
    metadata,
    Column("import_ref", ForeignKey("imports.ref", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    PrimaryKeyConstraint("import_ref", "kind", "id"),
    sqlite_with_rowid=False,
)

# When the root keys of a device were entered again, and by whom; the keys themselves are replaced.
device_key_changes = Table(
    "device_key_changes",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    # The members that were given, with commas between.
    Column("keys", Text, nullable=False),
    Column("session_reset", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

device_states = Table(
    "device_states",
    metadata,
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), primary_key=True),
    Column("dev_addr", BigInteger, index=True),
    # The address of the session that a join opened and no uplink has confirmed yet.
    Column("pending_dev_addr", BigInteger, index=True),
    Column("state", LargeBinary),
    # DevNonces used, and JoinNonces given: written by joins only.
    Column("join_memory", LargeBinary),
    # 1 while a downlink waits that needs no uplink (class B and C); a starting server asks for these.
    Column("unsolicited", Integer),
    # A, B or C: the class the device is in since its last frame.
    Column("current_class", Text),
    # What monitoring keeps of the device: statistics and the state of its alarms.
    Column("monitoring", LargeBinary),
    # Where the network has located it last; see `domain.locations`.
    Column("network_location", LargeBinary),
    # When monitoring must look at a device that stays silent; never later than that, often earlier.
    Column("check_at", BigInteger),
    Index(
        "ix_device_states_unsolicited",
        "device_ref",
        sqlite_where=text("unsolicited IS NOT NULL"),
        info=on_postgresql(where=text("unsolicited IS NOT NULL")),
    ),
    Index(
        "ix_device_states_check_at",
        "check_at",
        sqlite_where=text("check_at IS NOT NULL"),
        info=on_postgresql(where=text("check_at IS NOT NULL")),
    ),
)
