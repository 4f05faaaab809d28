"""Health of devices, in ThingPark's terms."""

from __future__ import annotations

from enum import IntEnum


class Health(IntEnum):
    """As devices are stored; the API prints the name."""

    INIT = 0
    ACTIVE = 1
    RF_CNX_ERROR = 2
