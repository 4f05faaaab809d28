"""Health of devices, in ThingPark's terms."""

from __future__ import annotations

from enum import IntEnum

import msgspec

from .resources import HealthState


class Health(IntEnum):
    """As devices are stored."""

    INIT = 0
    ACTIVE = 1
    RF_CNX_ERROR = 2


# What the API prints, by `Health`.
HEALTH: tuple[HealthState, ...] = ("INIT", "ACTIVE", "RF_CNX_ERROR")


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What devices are put in order by: when a device was heard last, in Unix milliseconds, and its mean
    error rate, from 0 to 1."""

    last_uplink_at: int
    mean_per: float
