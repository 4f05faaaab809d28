"""What is stored of a multicast group: its keys, its state, and the base stations that send to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from veldnet.domain.groups import GroupRow
from veldnet.keys import Vault, VaultError, labels
from veldnet.lorawan import AesKey, BaseStationId
from veldnet.lorawan.regions import ChannelPlan
from veldnet.network.core.multicast import (
    GroupKeys,
    GroupState,
    Heard,
    cover,
    data_rate_of,
    decode_group_state,
)
from veldnet.store import Store, StoreError, multicast

from .entry import GroupStations

# What vaults say of keys that they cannot open; other errors are of a vault that does not work just now.
_NOT_OURS = ("bad_seal", "no_master_key")


class UnreadableGroup(StoreError):
    """What is stored of one group cannot be read; that does not change by itself."""


async def open_keys(vault: Vault, row: GroupRow) -> GroupKeys:
    """Raises `UnreadableGroup` where the keys are not of this vault, or damaged, and `VaultError`."""
    try:
        opened = await vault.unseal(labels.group_keys(row.dev_eui), row.sealed_keys)
        return GroupKeys(AesKey(opened[:16]), AesKey(opened[16:]) if len(opened) > 16 else None)
    except VaultError as error:
        if error.code not in _NOT_OURS:
            raise
        raise UnreadableGroup(f"the keys of the group cannot be opened: {error}") from None
    except ValueError as error:
        raise UnreadableGroup(f"the keys of the group are damaged: {error}") from None


def check_data_rate(row: GroupRow, plan: ChannelPlan | None) -> None:
    """Raises `UnreadableGroup` where the stored data rate is none of the region."""
    if plan is not None and row.data_rate is not None and row.data_rate not in plan.region.downlink:
        raise UnreadableGroup(f"data rate {row.data_rate} of the group is none of {row.region}")


def read_state(row: GroupRow) -> GroupState:
    """Raises `UnreadableGroup`: what the counter was is not known, so nothing can be sent."""
    try:
        return decode_group_state(row.state)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableGroup(f"the state of the group is damaged: {error}") from None


async def stations_of(
    store: Store, channel_plans: Mapping[str, ChannelPlan], row: GroupRow, now: float
) -> GroupStations:
    """As of now, Unix seconds. Raises `StoreError`, `UnreadableGroup`."""
    try:
        listed = await store.read(partial(multicast.stations_of_group, group=row))
    except msgspec.DecodeError as error:
        raise UnreadableGroup(f"the tags of the group are damaged: {error}") from None
    places = {BaseStationId.parse(each.base_station): each.place for each in listed if each.place is not None}
    stations: Sequence[BaseStationId] = [BaseStationId.parse(each.base_station) for each in listed]
    if row.coverage == "MEMBERS":
        stations = await _covering(store, channel_plans.get(row.region), row, stations)
    return GroupStations(tuple(stations), places, now)


async def _covering(
    store: Store, plan: ChannelPlan | None, row: GroupRow, own: Sequence[BaseStationId]
) -> tuple[BaseStationId, ...]:
    if plan is None:
        return ()
    members = await store.read(partial(multicast.members_of_group, group_ref=row.ref))
    known = await store.read(partial(multicast.hearing_of_members, group_ref=row.ref))
    ours = set(own)
    heard = [
        Heard(device, BaseStationId(station), margin)
        for device, station, margin in known
        if BaseStationId(station) in ours
    ]
    modulation = plan.region.downlink[data_rate_of(row, plan.region)].modulation
    return cover(members, heard, modulation).stations
