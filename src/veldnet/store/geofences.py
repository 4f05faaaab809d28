"""Areas that devices are watched for, as they are stored."""

from __future__ import annotations

from typing import Protocol

import msgspec

from veldnet.domain.geofences import Geofence, Shape, Watched

_shape = msgspec.json.Decoder(Shape)


def encode_shape(shape: Shape) -> str:
    return msgspec.json.encode(shape).decode()


class StoredGeofence(Protocol):
    """A row of `geofences`."""

    ref: int
    name: str
    watched: Watched
    level: int
    tag: str | None
    shape: str
    drawn_at: int


def geofence_of(row: StoredGeofence) -> Geofence:
    return Geofence(
        row.ref, row.name, row.watched, row.level, row.tag, _shape.decode(row.shape), row.drawn_at
    )
