"""The two ways in which a shadow ends: devices are cut over, or all that it brought is taken away again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.errors import BadRequest, InUse, NotFound, Refusal, UnknownReference
from veldnet.inventory import base_stations, decoders, devices, flows, groups, imports, offers
from veldnet.inventory.devices import Shadow
from veldnet.inventory.imports import Thing

from .target import Target

_BATCH = 500
_SERVES = "it serves devices that were cut over"


class Removed(msgspec.Struct, frozen=True):
    """Something that was taken away, or `kept` for a reason."""

    kind: str
    id: str
    kept: str | None = None


async def _shadows(target: Target, dev_euis: Sequence[str] | None) -> AsyncIterator[list[Shadow]]:
    after = 0
    while True:
        found = await target.store.read(
            partial(devices.find_shadows, scope=target.scope, dev_euis=dev_euis, most=_BATCH, after=after)
        )
        if not found:
            return
        yield found
        after = found[-1].ref


async def cut_over(
    target: Target, dev_euis: Sequence[str] | None, routing_profile: str | None
) -> AsyncIterator[list[str]]:
    """End the shadow of the devices that are named, or of all, with the counters that were heard; yields the
    DevEUIs of batches. Raises a `Refusal`."""
    routing = UNSET if routing_profile is None else routing_profile
    async for batch in _shadows(target, dev_euis):
        end = partial(devices.end_shadows, scope=target.scope, shadows=batch, routing_profile_id=routing)
        await target.write(end)
        yield [shadow.dev_eui for shadow in batch]


async def roll_back(target: Target) -> AsyncIterator[list[Removed]]:
    """Take away the devices in shadow, and of what the subscriber's migrations made what nobody uses. Devices
    that were cut over stay, with what they need."""
    concerned = await target.store.read(lambda c: imports.imports_with_shadows(c, target.scope))
    async for batch in _shadows(target, None):
        await target.write(partial(devices.drop_shadows, scope=target.scope, shadows=batch))
        yield [Removed("device", shadow.dev_eui) for shadow in batch]
    things = await target.store.read(lambda c: imports.things_made(c, target.scope))
    # Flows, groups and base stations serve devices that were cut over.
    serving = await target.store.read(lambda c: imports.devices_left(c, target.scope))
    for kind, remove in {**_SERVING, **_OFFERED}.items():
        found = [each for each in things if each.kind == kind]
        if found and serving and kind in _SERVING:
            yield [Removed(kind, each.id, _SERVES) for each in found]
        elif found:
            yield [await _remove(target, each, remove) for each in found]
    await target.write(lambda c: imports.forget_empty_imports(c, target.scope, concerned))


_Remove = Callable[[Connection, Target, str], None]


async def _remove(target: Target, thing: Thing, remove: _Remove) -> Removed:
    def change(connection: Connection) -> None:
        remove(connection, target, thing.id)
        imports.forget_thing(connection, target.scope, thing)

    try:
        await target.write(change)
    except NotFound:
        await target.write(lambda c: imports.forget_thing(c, target.scope, thing))
    except Refusal as error:
        # In a dry run the devices in shadow are still there.
        unless = "unless only devices in shadow do: " if target.dry_run else ""
        return Removed(thing.kind, thing.id, f"{unless}{error.text}")
    return Removed(thing.kind, thing.id)


def _remove_profile(connection: Connection, target: Target, identifier: str) -> None:
    with contextlib.suppress(UnknownReference):
        ref, _settings = devices.find_profile(connection, target.scope, identifier)
        offers.remove_profile(connection, target.scope.operator_ref, str(ref))


def _remove_plan(connection: Connection, target: Target, identifier: str) -> None:
    try:
        ref = offers.find_plan(connection, identifier, target.scope.operator_ref)
    except BadRequest:
        return
    offers.remove_plan(connection, target.scope.operator_ref, str(ref))


def _remove_decoder(connection: Connection, target: Target, name: str) -> None:
    """Its profiles went before, but for those that are used."""
    for each in decoders.list_decoders(connection, target.scope):
        if each.name != name:
            continue
        if each.deviceProfileIds:
            raise InUse("devices of profile {profile} use it", profile=str(each.deviceProfileIds[0]))
        decoders.delete_decoder(connection, target.scope, str(each.ref))


def _remove_base_station(connection: Connection, _target: Target, eui: str) -> None:
    for each in base_stations.list_base_stations(connection):
        if each.gateway_eui == eui:
            base_stations.remove_base_station(connection, each.id)


# What uses something goes before it.
_SERVING: dict[str, _Remove] = {
    "flow": lambda c, target, ref: flows.delete_flow(c, target.scope, ref),
    "connection": lambda c, target, ref: flows.delete_connection(c, target.scope, ref),
    "multicastGroup": lambda c, target, ref: groups.delete_group(c, target.scope, ref),
    "baseStation": _remove_base_station,
}
_OFFERED: dict[str, _Remove] = {
    "deviceProfile": _remove_profile,
    "decoder": _remove_decoder,
    "connectivityPlan": _remove_plan,
}
