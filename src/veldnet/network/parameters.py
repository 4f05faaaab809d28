"""What the operator decided for the whole network."""

from __future__ import annotations

import msgspec

from veldnet.lorawan import NetId
from veldnet.lorawan.regions import EU868, ChannelPlan


class NetworkParameters(msgspec.Struct, frozen=True):
    """Delays in seconds; data rates are indexes of the region; `lead` is how long before a receive window
    a base station must have the frame."""

    net_id: NetId = NetId(0)
    channel_plan: ChannelPlan = ChannelPlan(EU868)
    rx1_delay: int = 1
    rx2_data_rate: int = 0
    lead: float = 0.1
    adr_margin: float = 10.0
    queue_limit: int = 32
    transmit_timeout: float = 3.0
