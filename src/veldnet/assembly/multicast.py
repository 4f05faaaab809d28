"""Multicast groups where inventory, vault and network meet: addresses, keys, and coverage as it is now."""

from __future__ import annotations

import random
from collections.abc import Mapping

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, select

from veldnet.domain.errors import BadRequest
from veldnet.inventory.groups import Allocate, CoveringStation, GroupCoverage, NewGroup, SealedKeys
from veldnet.inventory.offers import find_hsm_group
from veldnet.keys import GroupKeyOrder, McKey, Vault, Vaults, labels
from veldnet.lorawan import BaseStationId, DevAddr, DevEui
from veldnet.lorawan.regions import ChannelPlan
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.multicast import Heard, cover, data_rate_of
from veldnet.store import Store, multicast
from veldnet.store.schema import base_stations, devices

# The vault of keys without an HSM group.
DEFAULT = ""
_MOST_NAMED = 100


def allocator(addresses: AddressSpace) -> Allocate:
    """Gives addresses of the network."""
    rng = random.SystemRandom()

    def allocate(dev_eui: DevEui) -> DevAddr:
        return addresses.allocate(dev_eui, rng)

    return allocate


async def make_keys(
    store: Store, vaults: Vaults, operator_ref: int, new: NewGroup, dev_addr: DevAddr
) -> SealedKeys:
    """The keys of a new group, sealed: those that were given, or of an HSM group those that its vault makes.
    Of these the network gets the McNwkSKey alone."""
    hsm_group_id = new.body.hsmGroupId
    if hsm_group_id is UNSET:
        return await seal_keys(vaults.of(DEFAULT), new, dev_addr)
    hsm_group = await store.read(lambda c: find_hsm_group(c, operator_ref, hsm_group_id))
    vault = vaults.of(hsm_group.vault)
    sealed = await vault.seal_mc_key(new.dev_eui)
    made = await vault.group_keys(GroupKeyOrder(McKey(int(new.dev_eui), sealed), int(dev_addr)))
    session = await vaults.of(DEFAULT).seal(labels.group_keys(new.dev_eui), made.nwk_s_key)
    return SealedKeys(session, sealed)


async def seal_keys(vault: Vault, new: NewGroup, dev_addr: DevAddr) -> SealedKeys:
    """The keys that were given, as the default vault seals them: the network reads the session keys again."""
    session = await vault.seal(labels.group_keys(new.dev_eui), new.session_keys(dev_addr))
    if new.mc_key is None:
        return SealedKeys(session)
    return SealedKeys(session, await vault.seal(labels.mc_key(new.dev_eui), bytes(new.mc_key)))


def coverage_of(connection: Connection, group_ref: int, plans: Mapping[str, ChannelPlan]) -> GroupCoverage:
    """The base stations that send to a group, and the members that they do not reach. Raises `BadRequest`
    where its tags or its data rate cannot be read."""
    row = multicast.group_by_ref(connection, group_ref)
    if row is None or row.region not in plans:
        return GroupCoverage([], 0, 0, 0, [], [])
    members = multicast.members_of_group(connection, group_ref)
    try:
        found_stations = multicast.stations_of_group(connection, row)
    except msgspec.DecodeError:
        raise BadRequest(
            "the stored tags of the multicast group cannot be read, so nothing can be sent to it"
        ) from None
    listed = [BaseStationId.parse(each.base_station) for each in found_stations]
    ours = set(listed)
    heard = [
        Heard(device, BaseStationId(station), margin)
        for device, station, margin in multicast.hearing_of_members(connection, group_ref)
        if BaseStationId(station) in ours
    ]
    region = plans[row.region].region
    if row.data_rate is not None and row.data_rate not in region.downlink:
        raise BadRequest(
            "the stored data rate of the multicast group is none of its region, so nothing can be sent to it"
        )
    found = cover(members, heard, region.downlink[data_rate_of(row, region)].modulation)
    chosen = found.stations if row.coverage == "MEMBERS" else tuple(listed)
    return GroupCoverage(
        _stations(connection, chosen, heard),
        len(members),
        len(found.weak),
        len(found.unheard),
        _euis(connection, found.weak),
        _euis(connection, found.unheard),
    )


def _stations(
    connection: Connection, chosen: tuple[BaseStationId, ...], heard: list[Heard]
) -> list[CoveringStation]:
    counts: dict[BaseStationId, int] = {}
    for each in heard:
        counts[each.base_station] = counts.get(each.base_station, 0) + 1
    rows = {
        row.id: row
        for row in connection.execute(
            select(
                base_stations.c.id, base_stations.c.name, base_stations.c.latitude, base_stations.c.longitude
            ).where(base_stations.c.id.in_([str(station) for station in chosen]))
        )
    }
    return [
        CoveringStation(row.id, row.name, row.latitude, row.longitude, counts.get(station, 0))
        for station in chosen
        if (row := rows.get(str(station))) is not None
    ]


def _euis(connection: Connection, refs: tuple[int, ...]) -> list[str]:
    query = select(devices.c.dev_eui).where(devices.c.ref.in_(refs[:_MOST_NAMED])).order_by(devices.c.dev_eui)
    return list(connection.execute(query).scalars())
