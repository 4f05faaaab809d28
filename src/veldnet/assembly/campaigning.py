"""Campaigns where network, vaults and inventory meet: keys of devices, and the group of a new campaign."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from veldnet.campaigns import (
    CampaignGroupKeys,
    GroupOptions,
    KeysUnavailable,
    NetworkParts,
    Options,
    Runner,
)
from veldnet.domain.errors import InvalidField
from veldnet.domain.groups import MemberKeys
from veldnet.inventory import groups
from veldnet.inventory.groups import MulticastGroup
from veldnet.keys import VaultError, Vaults
from veldnet.lorawan import DevEui
from veldnet.lorawan.regions import max_frm_payload
from veldnet.network.core import DownlinkRequest, NetworkParameters, SubmissionRefusal
from veldnet.network.core.addressing import AddressSpace
from veldnet.store import Store

from . import multicast
from .member_keys import member_keys

if TYPE_CHECKING:
    from .platform import Platform

# Command, index and number of a fragment.
_BESIDE = 3
# A DevEUI that nobody has registered: with the bit of locally administered ones.
_LOCAL = 0x02 << 56
_EUI = (1 << 64) - 1 - (0x03 << 56)


def campaigns_of(platform: Platform) -> Runner:
    """Works on the campaigns of a server."""

    async def keys(device_refs: Sequence[int], group_ref: int | None) -> Mapping[int, MemberKeys]:
        try:
            found = await member_keys(platform.store, platform.vault, device_refs, group_ref)
        except VaultError as error:
            raise KeysUnavailable(str(error)) from None
        return {ref: each for ref, each in found.items() if isinstance(each, MemberKeys)}

    network = platform.network

    async def submit(dev_eui: DevEui, request: DownlinkRequest) -> SubmissionRefusal | None:
        # Among several nodes others take requests, once there are.
        return await network.requests.submit(dev_eui, request)

    parts = NetworkParts(submit, keys, network.groups.next_counter, network.parameters.channel_plans)
    return Runner(platform.store, platform.clock, parts)


async def prepare_group(
    store: Store,
    vaults: Vaults,
    parameters: NetworkParameters,
    name: str,
    options: Options,
    asked: MulticastGroup,
) -> tuple[CampaignGroupKeys, Options]:
    """The group of a new campaign with a key and an address of its own, of whose members `asked` gives what
    is not made here; and the options with the class of it. Raises `BadRequest`."""
    dev_eui = DevEui(secrets.randbits(64) & _EUI | _LOCAL)
    body = MulticastGroup(
        EUI=str(dev_eui),
        name=f"{name.strip()[:80]} (campaign)",
        deviceClass=asked.deviceClass,
        pingSlotPeriod=asked.pingSlotPeriod,
        downlinkFrequency=asked.downlinkFrequency,
        downlinkDataRate=asked.downlinkDataRate,
        region=asked.region,
        connectivityPlanId=asked.connectivityPlanId,
        multicastKey=secrets.token_hex(16),
        baseStationCoverage="MEMBERS",
    )
    new = groups.check_new_group(body, parameters.channel_plans)
    _check_room(new, options, repeater=parameters.repeater)
    allocate = multicast.allocator(AddressSpace(parameters.net_id))
    dev_addr = await store.read(lambda c: groups.choose_address(c, new, allocate))
    keys = await multicast.seal_keys(vaults.of(multicast.DEFAULT), new, dev_addr)
    group = options.group or GroupOptions()
    group = replace(group, group_class="B" if new.body.deviceClass == "B" else "C")
    channel_plan = parameters.channel_plans[new.region.name]
    return CampaignGroupKeys(new, dev_addr, keys, channel_plan), replace(options, group=group)


def _check_room(new: groups.NewGroup, options: Options, *, repeater: bool) -> None:
    """A fragment must fit at the data rate of the group, and class B must have one frequency to name."""
    region, rate = new.region, new.body.downlinkDataRate
    class_b = new.body.deviceClass == "B"
    if not isinstance(rate, int):
        rate = region.class_b.ping_data_rate if class_b else region.rx2_data_rate
    room = max_frm_payload(region.downlink[rate], repeater=repeater) - _BESIDE
    if options.fragment_size > room:
        raise InvalidField(
            "fragmentSize {size} does not fit at data rate {rate} of the group, where {room} is the most",
            size=options.fragment_size,
            rate=rate,
            room=room,
        )
    if class_b and len(region.class_b.ping_frequencies) > 1 and not new.body.downlinkFrequency:
        raise InvalidField("downlinkFrequency is mandatory for class B in {region}", region=region.name)
