"""Where the network has located devices last, for the map of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_REF = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHUNK = 10_000


def upgrade() -> None:
    degrees = [sa.Column(name, sa.Float(), nullable=False) for name in ("latitude", "longitude", "radius")]
    table = op.create_table(
        "found_places",
        sa.Column("device_ref", _REF, nullable=False),
        sa.Column("subscriber_ref", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *degrees,
        sa.PrimaryKeyConstraint("device_ref", name="pk_found_places"),
        sa.ForeignKeyConstraint(
            ["device_ref"], ["devices.ref"], name="fk_found_places_device_ref_devices", ondelete="CASCADE"
        ),
    )
    connection = op.get_bind()
    for rows in _known(connection):
        connection.execute(table.insert(), rows)
    op.create_index(
        "ix_found_places_subscriber_ref",
        "found_places",
        ["subscriber_ref", "latitude", "longitude", "device_ref"],
    )


def _known(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """What the states of devices say, in pieces: [[at, latitude, longitude, altitude, radius, …], …]."""
    last = 0
    while True:
        found = connection.execute(
            sa.text(
                "SELECT s.device_ref, d.subscriber_ref, s.network_location FROM device_states s "
                "JOIN devices d ON d.ref = s.device_ref WHERE s.device_ref > :last "
                "AND s.network_location IS NOT NULL ORDER BY s.device_ref LIMIT :most"
            ),
            {"last": last, "most": _CHUNK},
        ).all()
        if not found:
            return
        last = found[-1].device_ref
        rows = [row for each in found if (row := _row(each)) is not None]
        if rows:
            yield rows


def _row(each: Any) -> dict[str, Any] | None:
    try:
        at, latitude, longitude, _altitude, radius, *_more = msgspec.msgpack.decode(each.network_location)[0]
        return {
            "device_ref": each.device_ref,
            "subscriber_ref": each.subscriber_ref,
            "at": round(at * 1000),
            "latitude": float(latitude),
            "longitude": float(longitude),
            "radius": float(radius),
        }
    except (msgspec.DecodeError, TypeError, ValueError, IndexError):
        # Never located, or written by something else.
        return None
