"""Behaviour of the MAC commands, one module each under the name of its wire form; a registry, no if-chain."""

from . import (
    dev_status,
    device_time,
    duty_cycle,
    link_adr,
    link_check,
    new_channel,
    rx_param_setup,
    rx_timing_setup,
)
from .behaviour import Behaviour, Context, Reaction
from .exchange import Exchange, handle_uplink_commands, next_requests, remember_requests

# In the order in which requests go out when a frame cannot hold them all.
BEHAVIOURS: tuple[Behaviour, ...] = (
    rx_timing_setup.BEHAVIOUR,
    rx_param_setup.BEHAVIOUR,
    new_channel.BEHAVIOUR,
    link_adr.BEHAVIOUR,
    duty_cycle.BEHAVIOUR,
    dev_status.BEHAVIOUR,
    link_check.BEHAVIOUR,
    device_time.BEHAVIOUR,
)

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Context",
    "Exchange",
    "Reaction",
    "handle_uplink_commands",
    "next_requests",
    "remember_requests",
]
