"""Where devices have been, and areas; see `domain.locations` and `domain.geofences`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from .columns import Ref, Text, metadata

# `at` in Unix milliseconds, degrees, metres, m/s; `requested` and `used` are ThingPark's numbers of
# algorithms.
locations = Table(
    "locations",
    metadata,
    Column("device_ref", BigInteger, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    *(
        Column(name, Float, nullable=False)
        for name in ("latitude", "longitude", "altitude", "radius", "dilution", "north", "east")
    ),
    *(Column(name, Integer, nullable=False) for name in ("requested", "used")),
    Column("fcnt", BigInteger, nullable=False),
    Column("base_stations", Integer, nullable=False),
    PrimaryKeyConstraint("device_ref", "id"),
    Index("ix_locations_id", "id"),
    sqlite_with_rowid=False,
)

# Where the network has located each device last.
found_places = Table(
    "found_places",
    metadata,
    Column("device_ref", ForeignKey("devices.ref", ondelete="CASCADE"), primary_key=True),
    Column("subscriber_ref", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    *(Column(name, Float, nullable=False) for name in ("latitude", "longitude", "radius")),
    # With all that a map needs.
    Index("ix_found_places_subscriber_ref", "subscriber_ref", "latitude", "longitude", "device_ref"),
)

# Areas of subscribers: `watched` ENTER, LEAVE or BOTH, `level` of its alarms, `shape` as JSON (see
# `domain.geofences`). What was known of devices before `drawn_at` does not count for it.
geofences = Table(
    "geofences",
    metadata,
    Column("ref", Ref, primary_key=True),
    Column("subscriber_ref", ForeignKey("subscribers.ref", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("watched", Text, nullable=False),
    Column("level", Integer, nullable=False),
    # Devices that have it, or all.
    Column("tag", Text),
    Column("shape", Text, nullable=False),
    Column("drawn_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    Index("ix_geofences_subscriber_ref", "subscriber_ref"),
    sqlite_autoincrement=True,
)
