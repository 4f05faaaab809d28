"""What a running process does about each kind of change of the inventory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from veldnet.store import multicast

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform

TakeUp = Callable[[int], Awaitable[None]]


def changes_of(platform: Platform) -> dict[str, TakeUp]:
    """By the kinds of `inventory.changes`: what is called with the ref that a change concerns."""
    inventory, monitoring = platform.network.inventory, platform.monitoring
    groups = platform.network.groups

    async def device_changed(ref: int) -> None:
        await inventory.device_changed(ref)
        if platform.deliveries.holds(ref) and not await platform.store.devices_by_ref([ref]):
            platform.deliveries.device_removed(ref)
        await monitoring.device_changed(ref)

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
        "device": device_changed,
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
