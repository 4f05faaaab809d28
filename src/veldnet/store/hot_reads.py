"""The queries of the hot path, alike in both engines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Select,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.types import UserDefinedType

from veldnet.domain.devices import DeviceRow
from veldnet.domain.locations import decode_location
from veldnet.domain.thresholds import Threshold, silence_steps

from .interface import DeliveryRow, PendingQueue
from .schema import (
    as_transport_keys,
    deliveries,
    device_states,
    devices,
    hsm_groups,
    multicast_groups,
    subscribers,
)

_VAULT = func.coalesce(
    # Correlated by name, as it also stands in another one that is.
    select(hsm_groups.c.vault)
    .where(hsm_groups.c.ref == devices.c.hsm_group_ref)
    .correlate(devices)
    .scalar_subquery(),
    "",
)
# An AS key of another vault opens nothing here.
_AS_TRANSPORT_KEY = (
    select(as_transport_keys.c.sealed)
    .where(
        as_transport_keys.c.routing_profile_ref == devices.c.routing_profile_ref,
        as_transport_keys.c.vault == _VAULT,
    )
    .correlate(devices)
    .scalar_subquery()
)
_CUSTOMER = (
    select(subscribers.c.customer_id).where(subscribers.c.ref == devices.c.subscriber_ref).scalar_subquery()
)


class _Details(msgspec.Struct):
    dataflowTags: tuple[str, ...] = ()
    alarmThresholds: tuple[Threshold, ...] = ()


_details = msgspec.json.Decoder(_Details)


class _Read(UserDefinedType[Any]):
    """A column whose values `read` makes of what is stored."""

    cache_ok = True

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.read = read

    def result_processor(self, _dialect: Dialect, _type: object) -> Callable[[Any], Any]:
        return self.read


def _tags(details: str) -> tuple[str, ...]:
    return _details.decode(details).dataflowTags


def _silence_steps(details: str) -> tuple[tuple[int, int], ...]:
    return silence_steps(_details.decode(details).alarmThresholds)


# These texts are the same for many devices: memory holds them once.
_INTERNED = _Read(sys.intern)


def _fields(
    kind: type[msgspec.Struct], table: FromClause, elsewhere: dict[str, ColumnElement[Any]]
) -> list[ColumnElement[Any]]:
    """A column for each field of a kind of row, in their order: of `elsewhere`, or by its name of a table.
    So a row is one as it is; asking it for each name takes twice as long."""
    return [
        (elsewhere[name] if name in elsewhere else table.c[name]).label(name)
        for name in kind.__struct_fields__
    ]


# What a device refers to is looked up row by row: PostgreSQL takes longer to choose an order for a join of
# five tables than to read the devices, and plans lists of each length by themselves.
_DEVICE: Select[Any] = (
    select(
        *_fields(
            DeviceRow,
            devices,
            {
                "customer_id": type_coerce(_CUSTOMER, _INTERNED),
                "device_class": type_coerce(devices.c.device_class, _INTERNED),
                "sealed_as_transport_key": _AS_TRANSPORT_KEY,
                "tags": type_coerce(devices.c.details, _Read(_tags)),
                "silence_steps": type_coerce(devices.c.details, _Read(_silence_steps)),
                "state": device_states.c.state,
                "join_memory": device_states.c.join_memory,
                "monitoring": device_states.c.monitoring,
                "vault": type_coerce(_VAULT, _INTERNED),
                "network_location": type_coerce(device_states.c.network_location, _Read(decode_location)),
            },
        )
    )
    .select_from(devices)
    .join(device_states, device_states.c.device_ref == devices.c.ref)
)


# Made once: to make such a statement takes as long as the answer.
_SOME: BindParameter[Any] = bindparam("some", expanding=True)
_BY_REF = _DEVICE.where(devices.c.ref.in_(_SOME))
_BY_DEV_EUI = _DEVICE.where(devices.c.dev_eui.in_(_SOME))
_BY_DEV_ADDR = _DEVICE.where(
    devices.c.ref.in_(
        select(device_states.c.device_ref).where(
            or_(device_states.c.dev_addr.in_(_SOME), device_states.c.pending_dev_addr.in_(_SOME))
        )
    )
)


def _read(connection: Connection, query: Select[Any], some: Sequence[Any]) -> list[DeviceRow]:
    return [DeviceRow(*row) for row in connection.execute(query, {"some": some})]


def devices_by_dev_addr(connection: Connection, dev_addrs: Sequence[int]) -> list[DeviceRow]:
    return _read(connection, _BY_DEV_ADDR, dev_addrs)


def devices_by_dev_eui(connection: Connection, dev_euis: Sequence[str]) -> list[DeviceRow]:
    return _read(connection, _BY_DEV_EUI, dev_euis)


def devices_by_ref(connection: Connection, refs: Sequence[int]) -> list[DeviceRow]:
    return _read(connection, _BY_REF, refs)


def devices_with_unsolicited_downlinks(
    connection: Connection, after: int, limit: int, partitions: Collection[int] | None
) -> list[int]:
    query = (
        select(device_states.c.device_ref)
        .where(device_states.c.unsolicited.is_not(None), device_states.c.device_ref > after)
        .order_by(device_states.c.device_ref)
        .limit(limit)
    )
    return list(connection.execute(_within(query, partitions)).scalars())


# Made once: it is asked every few seconds.
_DUE = (
    select(device_states.c.device_ref)
    .where(device_states.c.check_at <= bindparam("now"))
    .order_by(device_states.c.check_at)
    .limit(bindparam("limit"))
    .offset(bindparam("skipped"))
)


def devices_to_check(
    connection: Connection, now: int, limit: int, partitions: Collection[int] | None, skipped: int = 0
) -> list[int]:
    due = _within(_DUE, partitions)
    return list(connection.execute(due, {"now": now, "limit": limit, "skipped": skipped}).scalars())


def _within(states: Select[Any], partitions: Collection[int] | None) -> Select[Any]:
    """Those of some partitions, of a choice of states."""
    if partitions is None:
        return states
    return states.join(devices, devices.c.ref == device_states.c.device_ref).where(
        devices.c.partition.in_(sorted(partitions))
    )


def pending_queues(
    connection: Connection, after: tuple[int, str], limit: int, partitions: Collection[int] | None
) -> list[PendingQueue]:
    queue = tuple_(deliveries.c.device_ref, deliveries.c.queue)
    partition = func.coalesce(devices.c.partition, multicast_groups.c.partition, 0)
    query = (
        select(deliveries.c.device_ref, deliveries.c.queue, partition)
        .join(devices, devices.c.ref == deliveries.c.device_ref, isouter=True)
        .join(multicast_groups, multicast_groups.c.ref == -deliveries.c.device_ref, isouter=True)
        .where(deliveries.c.state == 0, queue > after)
        .distinct()
        .order_by(deliveries.c.device_ref, deliveries.c.queue)
        .limit(limit)
    )
    if partitions is not None:
        query = query.where(partition.in_(sorted(partitions)))
    return [PendingQueue(*row) for row in connection.execute(query)]


_PENDING = {
    owner: (
        select(*_fields(DeliveryRow, deliveries, {"device_subscriber_ref": owner.c.subscriber_ref}))
        .select_from(deliveries)
        .join(owner, owner.c.ref == bindparam("number"), isouter=True)
        .where(
            deliveries.c.device_ref == bindparam("device_ref"),
            deliveries.c.queue == bindparam("queue"),
            deliveries.c.state == 0,
            deliveries.c.id > bindparam("after"),
        )
        .order_by(deliveries.c.id)
        .limit(bindparam("limit"))
    )
    for owner in (devices, multicast_groups)
}


def pending_deliveries(
    connection: Connection, device_ref: int, queue: str, limit: int, after: int
) -> list[DeliveryRow]:
    # A group's messages have its number below 0.
    owner, number = (devices, device_ref) if device_ref >= 0 else (multicast_groups, -device_ref)
    values = {"number": number, "device_ref": device_ref, "queue": queue, "limit": limit, "after": after}
    return [DeliveryRow(*row) for row in connection.execute(_PENDING[owner], values)]
