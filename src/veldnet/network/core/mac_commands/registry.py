"""Registry of the MAC commands known to the network server."""

from __future__ import annotations

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
from .behaviour import Behaviour

# By CID, in the order in which requests go out when a frame cannot hold them all.
BEHAVIOURS: dict[int, Behaviour] = {
    module.BEHAVIOUR.cid: module.BEHAVIOUR
    for module in (
        force_rejoin,
        tx_param_setup,
        rx_timing_setup,
        rx_param_setup,
        new_channel,
        dl_channel,
        link_adr,
        duty_cycle,
        ping_slot_channel,
        beacon_freq,
        adr_param_setup,
        rejoin_param_setup,
        dev_status,
        link_check,
        device_time,
        reset,
        rekey,
        device_mode,
        ping_slot_info,
        beacon_timing,
    )
}
