"""Views of a device: minimal, with configuration, with statistics; never with keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from sqlalchemy import Column, ColumnElement, Connection, ScalarSelect, Select, bindparam, func, select

from veldnet.domain.devices import SHADOW
from veldnet.domain.documents import decode_profile
from veldnet.domain.errors import BadRequest, NotFound
from veldnet.domain.health import HEALTH
from veldnet.domain.resources import (
    ActivationType,
    CommercialDetails,
    Device,
    DeviceClass,
    DeviceStatistics,
    VeldnetDevice,
    timestamp,
)
from veldnet.domain.scope import Scope
from veldnet.inventory.routing_profiles import profile_id
from veldnet.inventory.rows import ref_of
from veldnet.lorawan import DevAddr, DevEui
from veldnet.store import Prepared
from veldnet.store.schema import (
    connectivity_plans,
    device_profiles,
    device_states,
    devices,
    hsm_groups,
    routing_profiles,
    subscribers,
)

from .fields import put_fields

D = TypeVar("D", bound=Device)


class DeviceRecord(msgspec.Struct, frozen=True, gc=False):
    """A device beside what its references are called, without keys; the columns of `device_query`."""

    ref: int
    subscriber_ref: int
    dev_eui: str
    join_eui: str | None
    name: str
    activation_type: ActivationType
    device_class: DeviceClass
    plan_ref: int | None
    routing_profile_ref: int | None
    processing_strategy: str | None
    motion_indicator: str | None
    latitude: float | None
    longitude: float | None
    health: int
    details: str
    created_at: int
    updated_at: int
    updated_by: str
    profile_id: str
    profile_settings: str
    plan_id: str | None
    is_dummy: bool | None
    hsm_group_id: str | None
    customer_id: str
    dev_addr: int | None
    current_class: DeviceClass | None
    monitoring: bytes | None


# Members of `DeviceStatistics` from what monitoring has stored of a device.
Observed = Callable[[bytes | None], dict[str, Any]]


@cache
def device_query() -> Select[Any]:
    """Rows for `DeviceRecord`, in the order of their refs. Made once: that takes longer than the answer."""
    own = (devices.c[name] for name in DeviceRecord.__struct_fields__ if name in devices.c)
    return (
        select(
            *own,
            _named_by(devices.c.profile_ref, device_profiles.c.id).label("profile_id"),
            _named_by(devices.c.profile_ref, device_profiles.c.settings).label("profile_settings"),
            _named_by(devices.c.plan_ref, connectivity_plans.c.id).label("plan_id"),
            _named_by(devices.c.routing_profile_ref, routing_profiles.c.is_dummy).label("is_dummy"),
            _named_by(devices.c.hsm_group_ref, hsm_groups.c.id).label("hsm_group_id"),
            _named_by(devices.c.subscriber_ref, subscribers.c.customer_id).label("customer_id"),
            func.coalesce(device_states.c.dev_addr, device_states.c.pending_dev_addr).label("dev_addr"),
            device_states.c.current_class,
            device_states.c.monitoring,
        )
        .join(device_states, device_states.c.device_ref == devices.c.ref)
        .order_by(devices.c.ref)
    )


def _named_by(ref: ColumnElement[Any], column: Column[Any]) -> ScalarSelect[Any]:
    """A column of what a device refers to; null where it refers to nothing. Looked up row by row: PostgreSQL
    takes 7 ms to choose an order for joins of so many tables, and 1 ms to read a page of devices."""
    return select(column).where(column.table.c.ref == ref).scalar_subquery()


@cache
def _own_by(column: str) -> Prepared:
    own = devices.c.subscriber_ref == bindparam("subscriber")
    return Prepared(device_query().where(own, devices.c[column] == bindparam("key")))


@cache
def _by_refs() -> Prepared:
    return Prepared(device_query().where(devices.c.ref.in_(bindparam("refs", expanding=True))))


def device_records(
    connection: Connection, query: Prepared, values: Mapping[str, Any]
) -> Iterator[DeviceRecord]:
    """The devices that a query made of `device_query` finds."""
    return (DeviceRecord(*row) for row in query.columns(connection, values))


def minimal(row: DeviceRecord, kind: type[D]) -> D:
    return kind(
        ref=str(row.ref),
        name=row.name,
        EUI=row.dev_eui,
        networkAddress=UNSET if row.dev_addr is None else str(DevAddr(row.dev_addr)),
    )


def _optional(value: Any) -> Any:
    return UNSET if value is None else value


def configuration(row: DeviceRecord, kind: type[D]) -> D:
    """A device of a kind: `Device` as KPN's API has it, `VeldnetDevice` with Veldnet's own members."""
    device = minimal(row, kind)
    device.activationType = row.activation_type
    device.deviceClass = row.device_class
    if row.device_class == "B":
        device.classBState = "ACTIVE" if row.current_class == "B" else "INACTIVE"
    device.deviceProfileId = row.profile_id
    device.connectivityPlanId = _optional(row.plan_id)
    if row.processing_strategy == SHADOW:
        # Clients of the published contract know no better word.
        device.processingStrategyId = "NOAS"
        if isinstance(device, VeldnetDevice):
            device.shadow = True
    else:
        device.processingStrategyId = _optional(row.processing_strategy)
    if row.routing_profile_ref is not None:
        device.routingProfileId = profile_id(row.customer_id, row.routing_profile_ref, bool(row.is_dummy))
    device.applicationEUI = _optional(row.join_eui)
    device.geoLatitude = _optional(row.latitude)
    device.geoLongitude = _optional(row.longitude)
    device.hsmGroupId = _optional(row.hsm_group_id)
    device.motionIndicator = _motion_indicator(row)
    put_fields(row.details, device)
    return device


def _motion_indicator(row: DeviceRecord) -> Any:
    indicator = row.motion_indicator or decode_profile(row.profile_settings).motionIndicator
    # Known to the OSS, missing in the contract's list.
    return "VEHICLE_SPEED" if indicator == "BIKE_SPEED" else indicator


def statistics_of(row: DeviceRecord, observed: Observed | None) -> DeviceStatistics:
    active = row.dev_addr is not None
    routed = row.routing_profile_ref is not None or row.processing_strategy is not None
    prepared = row.plan_ref is None or not routed
    return DeviceStatistics(
        creationTime=timestamp(row.created_at),
        healthState=HEALTH[row.health],
        commissioningState="PERSONALIZED" if prepared else "ACTIVATED" if active else "COMMISSIONED",
        loraClass=row.current_class or row.device_class,
        motionIndicator=_motion_indicator(row),
        lastUpdateUser=row.updated_by,
        lastUpdateTime=timestamp(row.updated_at),
        **({} if observed is None else observed(row.monitoring)),
    )


def commercial_details(row: DeviceRecord) -> CommercialDetails:
    return CommercialDetails(manufacturerName=decode_profile(row.profile_settings).manufacturerName)


def configurations(connection: Connection, refs: Sequence[int], observed: Observed) -> list[VeldnetDevice]:
    """Devices with all of their configuration and statistics; whose they are is the caller's to know."""
    listed: list[VeldnetDevice] = []
    if not refs:
        return listed
    for row in device_records(connection, _by_refs(), {"refs": list(refs)}):
        device = configuration(row, VeldnetDevice)
        device.statistics = statistics_of(row, observed)
        listed.append(device)
    return listed


def own_device(connection: Connection, scope: Scope, ref: str) -> DeviceRecord:
    """The row of a device of the subscriber, by ref or by ThingPark's alias `e<DevEUI>`."""
    values: dict[str, Any] = {"subscriber": scope.subscriber_ref}
    if ref[:1] in ("e", "E") and len(ref) == 17:
        query, values["key"] = _own_by("dev_eui"), ref[1:].upper()
    else:
        query, values["key"] = _own_by("ref"), ref_of(ref)
    found = query.first(connection, values)
    if found is None:
        raise NotFound("Device", ref)
    return DeviceRecord(*found)


def owner_of(connection: Connection, dev_eui: str) -> tuple[str, str]:
    """Customer id and ref of a device of any customer of the installation. Raises `BadRequest`."""
    row = connection.execute(
        select(devices.c.ref, subscribers.c.customer_id)
        .join(subscribers, subscribers.c.ref == devices.c.subscriber_ref)
        .where(devices.c.dev_eui == dev_eui)
    ).first()
    if row is None:
        raise BadRequest("there is no device {dev_eui}", dev_eui=dev_eui)
    return row.customer_id, str(row.ref)


def get_device(
    connection: Connection,
    scope: Scope,
    ref: str,
    *,
    with_statistics: bool = True,
    observed: Observed | None = None,
) -> Device:
    """One device as KPN's API has it, all of its configuration; never a key."""
    row = own_device(connection, scope, ref)
    return shown(row, Device, observed) if with_statistics else configuration(row, Device)


def get_veldnet_device(
    connection: Connection, scope: Scope, ref: str, observed: Observed | None = None
) -> VeldnetDevice:
    """One device with the members of Veldnet's own API."""
    return shown(own_device(connection, scope, ref), VeldnetDevice, observed)


def shown(row: DeviceRecord, kind: type[D], observed: Observed | None) -> D:
    """A device with statistics and commercial details."""
    device = configuration(row, kind)
    device.statistics = statistics_of(row, observed)
    device.commercialDetails = commercial_details(row)
    return device


def device_ref(connection: Connection, scope: Scope, ref: str) -> int:
    """The number of a device of the subscriber. Raises `NotFound`."""
    return int(own_device(connection, scope, ref).ref)


def find_own(connection: Connection, scope: Scope, euis: Iterable[DevEui]) -> dict[str, str]:
    """The refs of those devices that the subscriber has, by DevEUI."""
    rows = connection.execute(
        select(devices.c.dev_eui, devices.c.ref).where(
            devices.c.subscriber_ref == scope.subscriber_ref,
            devices.c.dev_eui.in_([str(eui) for eui in euis]),
        )
    )
    return {row.dev_eui: str(row.ref) for row in rows}
