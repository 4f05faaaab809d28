"""Health of a device, in ThingPark's words."""

from __future__ import annotations

INIT, ACTIVE, RF_CNX_ERROR = 0, 1, 2

NAMES = ("INIT", "ACTIVE", "RF_CNX_ERROR")
