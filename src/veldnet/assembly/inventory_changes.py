"""What a running process does about each kind of change of the inventory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from veldnet.store import multicast

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

TakeUp = Callable[[int], Awaitable[None]]
TakeUpMany = Callable[[Sequence[int]], Awaitable[None]]


def changes_of_many(platform: Platform) -> dict[str, TakeUpMany]:
    """Kinds of which many come at once, as from an import: what is called with the refs of some."""

    async def devices_changed(refs: Sequence[int]) -> None:
        entries = await platform.network.inventory.devices_changed(refs)
        held = [ref for ref in refs if platform.deliveries.holds(ref)]
        if held:
            there = {row.ref for row in await platform.store.devices_by_ref(held)}
            for ref in set(held) - there:
                platform.deliveries.device_removed(ref)
        await platform.monitoring.devices_changed(entries)

    return {"device": devices_changed}


def changes_of(platform: Platform) -> dict[str, TakeUp]:
    """By the other kinds of `inventory.changes`: what is called with the ref that a change concerns."""
    inventory, monitoring = platform.network.inventory, platform.monitoring
    groups = platform.network.groups

    async def routing_changed(ref: int) -> None:
        await platform.table.reload(ref)
        await inventory.routing_changed(ref)

    async def flow_changed(_ref: int) -> None:
        await platform.connecting.flows_changed()

    async def rules_changed(_ref: int) -> None:
        await platform.connecting.profiles_changed()
        await inventory.rules_changed()
        groups.rules_changed()

    async def base_stations_changed(_ref: int) -> None:
        await platform.base_stations.load(platform.store)
        await platform.load_operators()
        groups.stations_changed()

    async def group_changed(ref: int) -> None:
        await groups.changed(ref)
        number = -ref
        if platform.deliveries.holds(number) and not await platform.store.read(
            lambda c: multicast.group_by_ref(c, ref)
        ):
            platform.deliveries.device_removed(number)

    return {
        "group": group_changed,
        "device_keys": inventory.keys_changed,
        "rules": rules_changed,
        "routing": routing_changed,
        "connection": platform.connecting.connection_changed,
        "flow": flow_changed,
        "base_stations": base_stations_changed,
        "certificates": lambda _ref: platform.load_certificates(),
        "subscribers": lambda _ref: platform.load_operators(),
        "base_station_alarms": lambda _ref: monitoring.stations.load(),
        "vault": lambda _ref: platform.keys.master_keys_changed(),
        "recipients": lambda _ref: monitoring.load_recipients(),
        "campaigns": lambda _ref: platform.campaigns.reload(),
        "geofences": platform.locations.geofences_changed,
        "redelivery": lambda _ref: platform.deliveries.start(),
    }
