"""Areas that devices are watched for, as they are stored."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

from veldnet.domain.geofences import Geofence, Shape

_shape = msgspec.json.Decoder(Shape)


def encode_shape(shape: Shape) -> str:
    return msgspec.json.encode(shape).decode()


def geofence_of(row: Row[Any]) -> Geofence:
    """A row of `geofences`."""
    return Geofence(
        row.ref, row.name, row.watched, row.level, row.tag, _shape.decode(row.shape), row.drawn_at
    )
