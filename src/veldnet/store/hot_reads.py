"""The queries of the hot path, alike in both engines."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, tuple_

from veldnet.domain.devices import DeviceRow
from veldnet.domain.thresholds import Threshold, silence_steps

from .interface import DeliveryRow, PendingQueue
from .schema import (
    as_transport_keys,
    deliveries,
    device_states,
    devices,
    hsm_groups,
    subscribers,
)

_VAULT = func.coalesce(hsm_groups.c.vault, "")
_DEVICE = (
    select(
        devices.c.ref,
        devices.c.subscriber_ref,
        subscribers.c.customer_id,
        devices.c.dev_eui,
        devices.c.join_eui,
        devices.c.name,
        devices.c.profile_ref,
        devices.c.plan_ref,
        devices.c.routing_profile_ref,
        devices.c.processing_strategy,
        devices.c.hsm_group_ref,
        devices.c.sealed_app_key,
        devices.c.sealed_nwk_key,
        devices.c.device_class,
        devices.c.motion_indicator,
        as_transport_keys.c.sealed.label("sealed_as_transport_key"),
        devices.c.latitude,
        devices.c.longitude,
        devices.c.details,
        devices.c.health,
        device_states.c.state,
        device_states.c.join_memory,
        device_states.c.monitoring,
        _VAULT.label("vault"),
        devices.c.partition,
    )
    .join(subscribers, subscribers.c.ref == devices.c.subscriber_ref)
    .join(device_states, device_states.c.device_ref == devices.c.ref)
    .join(hsm_groups, hsm_groups.c.ref == devices.c.hsm_group_ref, isouter=True)
    # An AS key of another vault opens nothing here.
    .join(
        as_transport_keys,
        (as_transport_keys.c.routing_profile_ref == devices.c.routing_profile_ref)
        & (as_transport_keys.c.vault == _VAULT),
        isouter=True,
    )
)


class _Details(msgspec.Struct):
    dataflowTags: tuple[str, ...] = ()
    alarmThresholds: tuple[Threshold, ...] = ()


_details = msgspec.json.Decoder(_Details)


def _devices_where(connection: Connection, condition: ColumnElement[bool]) -> list[DeviceRow]:
    return [_device_row(row) for row in connection.execute(_DEVICE.where(condition))]


def _device_row(row: Iterable[Any]) -> DeviceRow:
    # The columns of `_DEVICE`, unpacked at once: a row asked for each name takes twice as long in all.
    (
        ref,
        subscriber_ref,
        customer_id,
        dev_eui,
        join_eui,
        name,
        profile_ref,
        plan_ref,
        routing_profile_ref,
        processing_strategy,
        hsm_group_ref,
        sealed_app_key,
        sealed_nwk_key,
        device_class,
        motion_indicator,
        sealed_as_transport_key,
        latitude,
        longitude,
        details,
        health,
        state,
        join_memory,
        monitoring,
        vault,
        partition,
    ) = row
    more = _details.decode(details)
    # The texts interned are the same for many devices.
    return DeviceRow(
        ref,
        subscriber_ref,
        sys.intern(customer_id),
        dev_eui,
        join_eui,
        name,
        profile_ref,
        plan_ref,
        routing_profile_ref,
        processing_strategy,
        hsm_group_ref,
        sealed_app_key,
        sealed_nwk_key,
        sys.intern(device_class),
        motion_indicator,
        sealed_as_transport_key,
        latitude,
        longitude,
        more.dataflowTags,
        silence_steps(more.alarmThresholds),
        health,
        state,
        join_memory,
        monitoring,
        sys.intern(vault),
        partition,
    )


def devices_by_dev_addr(connection: Connection, dev_addrs: Sequence[int]) -> list[DeviceRow]:
    refs = select(device_states.c.device_ref).where(
        or_(device_states.c.dev_addr.in_(dev_addrs), device_states.c.pending_dev_addr.in_(dev_addrs))
    )
    return _devices_where(connection, devices.c.ref.in_(refs))


def devices_by_dev_eui(connection: Connection, dev_euis: Sequence[str]) -> list[DeviceRow]:
    return _devices_where(connection, devices.c.dev_eui.in_(dev_euis))


def devices_by_ref(connection: Connection, refs: Sequence[int]) -> list[DeviceRow]:
    return _devices_where(connection, devices.c.ref.in_(refs))


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


def devices_to_check(
    connection: Connection, now: int, limit: int, partitions: Collection[int] | None
) -> list[int]:
    query = (
        select(device_states.c.device_ref)
        .where(device_states.c.check_at <= now)
        .order_by(device_states.c.check_at)
        .limit(limit)
    )
    return list(connection.execute(_within(query, partitions)).scalars())


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
    partition = func.coalesce(devices.c.partition, 0)
    query = (
        select(deliveries.c.device_ref, deliveries.c.queue, partition)
        .join(devices, devices.c.ref == deliveries.c.device_ref, isouter=True)
        .where(deliveries.c.state == 0, queue > after)
        .distinct()
        .order_by(deliveries.c.device_ref, deliveries.c.queue)
        .limit(limit)
    )
    if partitions is not None:
        query = query.where(partition.in_(sorted(partitions)))
    return [PendingQueue(*row) for row in connection.execute(query)]


def pending_deliveries(connection: Connection, device_ref: int, queue: str, limit: int) -> list[DeliveryRow]:
    query = (
        select(
            deliveries.c.id,
            deliveries.c.frame_id,
            deliveries.c.device_ref,
            deliveries.c.subscriber_ref,
            deliveries.c.queue,
            deliveries.c.expires_at,
            deliveries.c.message,
            deliveries.c.attempts,
            devices.c.subscriber_ref,
        )
        .join(devices, devices.c.ref == deliveries.c.device_ref, isouter=True)
        .where(deliveries.c.device_ref == device_ref, deliveries.c.queue == queue, deliveries.c.state == 0)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return [DeliveryRow(*row) for row in connection.execute(query)]
