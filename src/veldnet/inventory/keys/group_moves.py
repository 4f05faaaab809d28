"""Moves devices with their keys between HSM groups, a few hundred per transaction.

The AS keys of their routing profiles go first, so that a device that joins on the other side finds one there;
those of the side they leave go last.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from veldnet.domain.errors import BadRequest
from veldnet.inventory import changes
from veldnet.inventory.offers import HsmGroup
from veldnet.keys import Sealed, VaultError, labels
from veldnet.keys.moving import Destination, Source
from veldnet.store import Store
from veldnet.store.schema import as_transport_keys, devices, hsm_groups, multicast_groups, subscribers

_BATCH = 200


class Channel(msgspec.Struct, frozen=True):
    """The two ends of a connected channel."""

    source: Source
    destination: Destination

    def carry(self, item: Sealed) -> bytes:
        return self.destination.receive(item.label, self.source.send(item))


class Plan(msgspec.Struct, frozen=True):
    """What is to move: all devices of a group, or those of one customer."""

    source: HsmGroup
    target: HsmGroup
    subscriber_ref: int | None
    devices: int

    def chosen(self) -> ColumnElement[bool]:
        wanted = devices.c.hsm_group_ref == self.source.ref
        if self.subscriber_ref is None:
            return wanted
        return wanted & (devices.c.subscriber_ref == self.subscriber_ref)


class Moved(msgspec.Struct):
    """What was moved, and whose keys do not open: DevEUIs, and routing profiles with their AS keys."""

    devices: int = 0
    as_keys: int = 0
    unopened: list[str] = []


class _Device(msgspec.Struct, frozen=True):
    ref: int
    dev_eui: str
    sealed_app_key: bytes | None
    sealed_nwk_key: bytes | None
    sealed_gen_app_key: bytes | None


def find_group(connection: Connection, group_id: str) -> HsmGroup:
    """An HSM group of any operator. Raises `BadRequest`."""
    row = connection.execute(
        select(hsm_groups.c.ref, hsm_groups.c.vault).where(hsm_groups.c.id == group_id)
    ).first()
    if row is None:
        known = connection.execute(select(hsm_groups.c.id).limit(20)).scalars()
        raise BadRequest(
            "there is no HSM group {group_id}; there are: {known}",
            group_id=group_id[:80],
            known=", ".join(known),
        )
    return HsmGroup(row.ref, row.vault)


def plan(connection: Connection, source: str, target: str, customer_id: str | None) -> Plan:
    """Check what was asked for. Raises `BadRequest`."""
    groups = find_group(connection, source), find_group(connection, target)
    if groups[0].ref == groups[1].ref:
        raise BadRequest("{source} is the group that the devices are in", source=source)
    owners = connection.execute(
        select(hsm_groups.c.operator_ref)
        .where(hsm_groups.c.ref.in_([group.ref for group in groups]))
        .distinct()
    ).all()
    if len(owners) > 1:
        raise BadRequest("{source} and {target} belong to different operators", source=source, target=target)
    subscriber = None
    if customer_id is not None:
        subscriber = connection.execute(
            select(subscribers.c.ref).where(subscribers.c.customer_id == customer_id)
        ).scalar()
        if subscriber is None:
            raise BadRequest("there is no customer {customer_id}", customer_id=customer_id[:80])
    wanted = Plan(*groups, subscriber, 0)
    count = connection.execute(select(func.count()).where(wanted.chosen())).scalar_one()
    return msgspec.structs.replace(wanted, devices=count)


async def move(
    store: Store,
    plan: Plan,
    channel: Channel | None,
    progress: Callable[[int], None] = lambda _done: None,
) -> Moved:
    """Move; without a channel both groups have the same vault, and nothing is re-wrapped."""
    moved = Moved()
    if channel is not None:
        await _copy_as_keys(store, plan, channel, moved)
    after = 0
    while True:
        found = await store.read(partial(_batch, plan, after))
        if not found:
            break
        after = found[-1].ref
        carried = [_carry(device, channel, moved) for device in found]
        pairs = list(zip(found, carried, strict=True))
        moved.devices += await store.write(partial(_write, plan, pairs))
        progress(moved.devices)
    if channel is not None:
        await store.write(partial(_forget_as_keys, plan))
    return moved


def _batch(plan: Plan, after: int, connection: Connection) -> list[_Device]:
    query = (
        select(*(devices.c[name] for name in _Device.__struct_fields__))
        .where(plan.chosen(), devices.c.ref > after)
        .order_by(devices.c.ref)
        .limit(_BATCH)
    )
    return [_Device(*row) for row in connection.execute(query)]


def _carry(device: _Device, channel: Channel | None, moved: Moved) -> _Device | None:
    """The device with its keys as the target has sealed them; None if they do not open."""
    if channel is None:
        return device
    app_key, nwk_key, gen_app_key = device.sealed_app_key, device.sealed_nwk_key, device.sealed_gen_app_key
    try:
        if app_key is not None:
            app_key = channel.carry(Sealed(labels.app_key(device.dev_eui), app_key))
        if nwk_key is not None:
            nwk_key = channel.carry(Sealed(labels.nwk_key(device.dev_eui), nwk_key))
        if gen_app_key is not None:
            gen_app_key = channel.carry(Sealed(labels.gen_app_key(device.dev_eui), gen_app_key))
    except VaultError as error:
        if error.code != "bad_seal":
            raise
        moved.unopened.append(device.dev_eui)
        return None
    return _Device(device.ref, device.dev_eui, app_key, nwk_key, gen_app_key)


def _write(plan: Plan, pairs: list[tuple[_Device, _Device | None]], connection: Connection) -> int:
    """Write those that are still as they were read; the others come round again with the next start."""
    count = 0
    for before, after in pairs:
        if after is None:
            continue
        done = connection.execute(
            update(devices)
            .where(
                devices.c.ref == before.ref,
                devices.c.hsm_group_ref == plan.source.ref,
                devices.c.sealed_app_key.is_not_distinct_from(before.sealed_app_key),
                devices.c.sealed_nwk_key.is_not_distinct_from(before.sealed_nwk_key),
                devices.c.sealed_gen_app_key.is_not_distinct_from(before.sealed_gen_app_key),
            )
            .values(
                hsm_group_ref=plan.target.ref,
                sealed_app_key=after.sealed_app_key,
                sealed_nwk_key=after.sealed_nwk_key,
                sealed_gen_app_key=after.sealed_gen_app_key,
            )
        )
        if done.rowcount:
            changes.note(connection, "device_keys", before.ref)
            count += 1
    return count


async def _copy_as_keys(store: Store, plan: Plan, channel: Channel, moved: Moved) -> None:
    keys = as_transport_keys.c
    there = select(keys.routing_profile_ref).where(keys.vault == plan.target.vault)
    used = select(devices.c.routing_profile_ref).where(plan.chosen()).distinct()
    query = select(keys.routing_profile_ref, keys.sealed).where(
        keys.vault == plan.source.vault,
        keys.routing_profile_ref.in_(used),
        keys.routing_profile_ref.not_in(there),
    )
    for ref, sealed in await store.read(lambda c: [tuple(row) for row in c.execute(query)]):
        try:
            carried = channel.carry(Sealed(labels.AS_TRANSPORT_KEY, sealed))
        except VaultError as error:
            if error.code != "bad_seal":
                raise
            moved.unopened.append(f"AS key of routing profile {ref}")
            continue

        def write(
            connection: Connection, ref: int = ref, sealed: bytes = sealed, new: bytes = carried
        ) -> int:
            mine = (keys.routing_profile_ref == ref) & (keys.vault == plan.source.vault)
            unchanged = select(keys.routing_profile_ref).where(mine, keys.sealed == sealed)
            if connection.execute(unchanged).first() is None:
                return 0
            connection.execute(
                insert(as_transport_keys).values(routing_profile_ref=ref, vault=plan.target.vault, sealed=new)
            )
            changes.note(connection, "routing", ref)
            return 1

        moved.as_keys += await store.write(write)


def _forget_as_keys(plan: Plan, connection: Connection) -> None:
    """Of the vault that was left, those that no device or multicast group there uses any more."""
    keys = as_transport_keys.c
    needed = (
        select(devices.c.routing_profile_ref)
        .join(hsm_groups, hsm_groups.c.ref == devices.c.hsm_group_ref)
        .where(hsm_groups.c.vault == plan.source.vault, devices.c.routing_profile_ref.is_not(None))
    )
    of_groups = (
        select(multicast_groups.c.routing_profile_ref)
        .join(hsm_groups, hsm_groups.c.ref == multicast_groups.c.hsm_group_ref)
        .where(hsm_groups.c.vault == plan.source.vault, multicast_groups.c.routing_profile_ref.is_not(None))
    )
    copied = select(keys.routing_profile_ref).where(keys.vault == plan.target.vault)
    connection.execute(
        delete(as_transport_keys).where(
            keys.vault == plan.source.vault,
            keys.routing_profile_ref.in_(copied),
            keys.routing_profile_ref.not_in(needed),
            keys.routing_profile_ref.not_in(of_groups),
        )
    )
