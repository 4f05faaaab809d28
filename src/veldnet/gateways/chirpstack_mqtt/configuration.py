"""The channels of a plan as a configuration for base stations, whose version says what is in it."""

from __future__ import annotations

from hashlib import sha256

from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import Channel, ChannelPlan, Region

from . import gateway_pb2 as pb

# Concentrators have eight demodulators of all spreading factors, and one for a wide channel.
_NARROW = 8


def configuration(plan: ChannelPlan, gateway_id: str) -> pb.GatewayConfiguration:
    """The first eight channels of 125 kHz of a plan, and its first wide one."""
    made = pb.GatewayConfiguration(gateway_id=gateway_id)
    used = [channel for index, channel in enumerate(plan.channels) if plan.mask >> index & 1]
    narrow = [channel for channel in used if _bandwidth(plan.region, channel) == 125][:_NARROW]
    wide = [channel for channel in used if _bandwidth(plan.region, channel) > 125][:1]
    for channel in (*narrow, *wide):
        added = made.channels.add(frequency=channel.frequency)
        added.lora_modulation_config.bandwidth = _bandwidth(plan.region, channel) * 1000
        added.lora_modulation_config.spreading_factors.extend(_spreading_factors(plan.region, channel))
    made.stats_interval.seconds = 30
    made.version = sha256(made.SerializeToString(deterministic=True)).hexdigest()[:16]
    return made


def _bandwidth(region: Region, channel: Channel) -> int:
    modulation = region.uplink[channel.min_dr].modulation
    return modulation.bandwidth if isinstance(modulation, Lora) else 0


def _spreading_factors(region: Region, channel: Channel) -> list[int]:
    found = set()
    for data_rate in range(channel.min_dr, channel.max_dr + 1):
        rate = region.uplink.get(data_rate)
        if rate is not None and isinstance(rate.modulation, Lora):
            found.add(rate.modulation.sf)
    return sorted(found)
