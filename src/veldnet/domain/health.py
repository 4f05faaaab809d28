"""Health of devices, in ThingPark's terms."""

from __future__ import annotations

from enum import IntEnum

from .resources import HealthState


class Health(IntEnum):
    """As devices are stored."""

    INIT = 0
    ACTIVE = 1
    RF_CNX_ERROR = 2


# What the API prints, by `Health`.
HEALTH: tuple[HealthState, ...] = ("INIT", "ACTIVE", "RF_CNX_ERROR")
