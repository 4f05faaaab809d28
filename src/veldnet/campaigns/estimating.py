"""What a new campaign will need: uplinks of its devices, and air time of base stations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from sqlalchemy import Connection, select

from veldnet.inventory.groups import NewGroup
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.regions import ChannelPlan
from veldnet.network.core.multicast import Heard
from veldnet.store import multicast
from veldnet.store.schema import campaign_devices, campaigns

from .block import count_of
from .capacity import Load, Reach, reach_of
from .machine import FRAME_OVERHEAD
from .sessions import GUARD
from .states import Needs, Options

# Devices of one query.
_AT_ONCE = 500
# Octets of a frame that asks something of a device, on average.
_QUESTION = 32
# Questions: to set up fragments, and for the status; for an image and its start; and those of a group.
_ASKED, _APPLYING, _OF_GROUP = 2, 2, 3
# States of devices that are still to join the group of their campaign.
_JOINING = ("pending", "joiningGroup", "settingUp")


def hearing(connection: Connection, refs: Sequence[int]) -> list[Heard]:
    """How base stations hear devices: a query for hundreds."""
    return [
        Heard(device, BaseStationId(station), margin)
        for start in range(0, len(refs), _AT_ONCE)
        for device, station, margin in multicast.hearing_of(connection, refs[start : start + _AT_ONCE])
    ]


def joining_beside(
    connection: Connection, channel_plan: ChannelPlan, ours: Mapping[int, Reach]
) -> dict[int, Reach]:
    """Devices of other campaigns that are still to join a group by base stations of `ours`."""
    columns = campaign_devices.c
    joining = connection.execute(
        select(columns.device_ref)
        .join(campaigns, campaigns.c.ref == columns.campaign_ref)
        .where(campaigns.c.group_ref.is_not(None), columns.due_at.is_not(None), columns.state.in_(_JOINING))
    )
    stations = {station for each in ours.values() for station in each.stations}
    found = reach_of(channel_plan, hearing(connection, sorted(joining.scalars())))
    return {
        ref: Reach(near, each.data_rate)
        for ref, each in found.items()
        if (near := tuple(station for station in each.stations if station in stations))
    }


def session_time(options: Options, size: int, group: NewGroup) -> int:
    """Milliseconds that sessions of a group take at least until all fragments are sent: with nothing else on
    the air, and one base station."""
    body, region = group.body, group.region
    class_b, rate = body.deviceClass == "B", body.downlinkDataRate
    if not isinstance(rate, int):
        rate = region.class_b.ping_data_rate if class_b else region.rx2_data_rate
    octets = options.fragment_size + FRAME_OVERHEAD
    airtime = time_on_air(region.downlink[rate].modulation, octets, crc=False) / 1000
    count = count_of(size, options.fragment_size)
    fragments = count + -(-count * options.redundancy // 100)
    return GUARD + fragments * ceil(100_000 * airtime / options.duty_cycle_share)


def needs_of(
    options: Options,
    size: int,
    heard: Sequence[Heard],
    by_region: Mapping[str, Sequence[int]],
    channel_plans: Mapping[str, ChannelPlan],
) -> Needs | None:
    """For a file of `size` octets and devices by region. Fragments to a group are not counted: sessions have
    a time of their own. None where a region has no channel plan."""
    if any(region not in channel_plans for region in by_region):
        return None
    sizes = {_QUESTION: _ASKED + (_APPLYING if options.apply else 0)}
    if options.group is not None:
        sizes[_QUESTION] += _OF_GROUP
    else:
        count = count_of(size, options.fragment_size)
        fragments = count + -(-count * options.redundancy // 100)
        sizes[FRAME_OVERHEAD + options.fragment_size] = fragments
    load, share = Load(), options.duty_cycle_share / 100
    for region, refs in by_region.items():
        channel_plan = channel_plans[region]
        known = set(refs)
        reach = reach_of(channel_plan, (each for each in heard if each.device_ref in known))
        load.add(channel_plan, reach, len(refs), sizes, share)
    return load.estimate(sum(sizes.values()))
