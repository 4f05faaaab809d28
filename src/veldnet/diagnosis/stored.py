"""The device of a diagnosis as it is stored."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from veldnet.lorawan import DevEui
from veldnet.store.schema import connectivity_plans, device_states, devices, subscribers


class StoredDevice(NamedTuple):
    ref: int
    subscriber_ref: int
    plan_ref: int | None
    routing_profile_ref: int | None
    processing_strategy: str | None
    dev_eui: str
    join_eui: str | None
    state: bytes | None
    # The plan or the subscriber is.
    suspended: bool | None
    operator_ref: int


_QUERY = (
    select(
        *(devices.c[name] for name in StoredDevice._fields[:7]),
        device_states.c.state,
        (connectivity_plans.c.suspended | subscribers.c.suspended).label("suspended"),
        subscribers.c.operator_ref,
    )
    .join(device_states, device_states.c.device_ref == devices.c.ref)
    .join(subscribers, subscribers.c.ref == devices.c.subscriber_ref)
    .join(connectivity_plans, connectivity_plans.c.ref == devices.c.plan_ref, isouter=True)
)


def stored_device(connection: Connection, dev_eui: DevEui) -> StoredDevice | None:
    row = connection.execute(_QUERY.where(devices.c.dev_eui == str(dev_eui))).first()
    return None if row is None else StoredDevice._make(row)
