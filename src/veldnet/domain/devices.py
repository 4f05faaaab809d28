"""A device as the network server and its vault orders need it."""

from __future__ import annotations

import msgspec

from .locations import LocationState
from .thresholds import SilenceStep

SHADOW = "SHADOW"
"""Stored as processing strategy: another network still answers the device. It is listened to, so that its
counters follow; it is sent nothing, and no application is sent its messages."""


class DeviceRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A device as the network needs it: who it is, by which rules it lives, and its state."""

    ref: int
    subscriber_ref: int
    customer_id: str
    dev_eui: str
    join_eui: str | None
    name: str
    profile_ref: int
    plan_ref: int | None
    routing_profile_ref: int | None
    processing_strategy: str | None
    hsm_group_ref: int | None
    sealed_app_key: bytes | None
    sealed_nwk_key: bytes | None
    device_class: str
    motion_indicator: str | None
    sealed_as_transport_key: bytes | None
    latitude: float | None
    longitude: float | None
    tags: tuple[str, ...]
    # Of alarm 004.
    silence_steps: tuple[SilenceStep, ...]
    health: int
    state: bytes | None
    join_memory: bytes | None
    monitoring: bytes | None
    # The vault that has sealed its keys.
    vault: str = ""
    # See `partitions`.
    partition: int = 0
    network_location: LocationState | None = None
