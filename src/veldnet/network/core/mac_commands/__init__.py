"""Behaviour of the MAC commands, one module each under the name of its wire form; a registry, no if-chain."""

from . import (
    adr_param_setup,
    beacon_freq,
    beacon_timing,
    dev_status,
    device_mode,
    device_time,
    dl_channel,
    duty_cycle,
    force_rejoin,
    link_adr,
    link_check,
    new_channel,
    ping_slot_channel,
    ping_slot_info,
    rejoin_param_setup,
    rekey,
    reset,
    rx_param_setup,
    rx_timing_setup,
    tx_param_setup,
)
from .behaviour import Behaviour, Occasion, Reaction
from .exchange import Exchange, awaiting, blocked, handle_uplink_commands, next_requests, remember_requests

# In the order in which requests go out when a frame cannot hold them all.
BEHAVIOURS: tuple[Behaviour, ...] = (
    force_rejoin.BEHAVIOUR,
    tx_param_setup.BEHAVIOUR,
    rx_timing_setup.BEHAVIOUR,
    rx_param_setup.BEHAVIOUR,
    new_channel.BEHAVIOUR,
    dl_channel.BEHAVIOUR,
    link_adr.BEHAVIOUR,
    duty_cycle.BEHAVIOUR,
    ping_slot_channel.BEHAVIOUR,
    beacon_freq.BEHAVIOUR,
    adr_param_setup.BEHAVIOUR,
    rejoin_param_setup.BEHAVIOUR,
    dev_status.BEHAVIOUR,
    link_check.BEHAVIOUR,
    device_time.BEHAVIOUR,
    reset.BEHAVIOUR,
    rekey.BEHAVIOUR,
    device_mode.BEHAVIOUR,
    ping_slot_info.BEHAVIOUR,
    beacon_timing.BEHAVIOUR,
)

# Those that the network begins.
REQUESTING: tuple[Behaviour, ...] = tuple(
    behaviour for behaviour in BEHAVIOURS if behaviour.wanted is not None
)

__all__ = [
    "BEHAVIOURS",
    "REQUESTING",
    "Behaviour",
    "Exchange",
    "Occasion",
    "Reaction",
    "awaiting",
    "blocked",
    "handle_uplink_commands",
    "next_requests",
    "remember_requests",
]
