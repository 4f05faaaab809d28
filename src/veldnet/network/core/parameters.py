"""Parameters of the whole network."""

from __future__ import annotations

import msgspec

from veldnet.domain.documents import ProfileSettings
from veldnet.lorawan import NetId
from veldnet.lorawan.regions import EU868, UNSERVED, ChannelPlan


class NetworkParameters(msgspec.Struct, frozen=True):
    """Delays in seconds; data rates are indexes of the region; `lead` is how long before a receive window
    a base station must have the frame.

    `channel_plans` holds one plan for each region served; a device lives by that of its profile's region.
    `class_b_lead` is how long before a ping slot the frame is handed over, `class_c_timeout` how long a
    downlink of class C may wait for a base station.
    """

    net_id: NetId = NetId(0)
    channel_plans: dict[str, ChannelPlan] = msgspec.field(
        default_factory=lambda: {"EU868": ChannelPlan(EU868)}
    )
    rx1_delay: int = 1
    lead: float = 0.1
    adr_margin: float = 10.0
    adr_limit_exp: int = 6
    adr_delay_exp: int = 5
    # RejoinParamSetupReq for 1.1 devices; None leaves them alone.
    rejoin_setup: int | None = None
    # Limits of dwell time to set where the region lets a network choose; None leaves the region's.
    uplink_dwell: bool | None = None
    downlink_dwell: bool | None = None
    repeater: bool = False
    # (uplink frequency, frequency of its RX1) that DlChannelReq sets.
    rx1_frequencies: tuple[tuple[int, int], ...] = ()
    queue_limit: int = 32
    transmit_timeout: float = 3.0
    class_b_lead: float = 1.5
    class_c_timeout: float = 60.0
    # Frames of unknown devices admitted from one base station within a deduplication window.
    unknown_device_limit: int = 8
    # MeanPER as ThingPark 7.2 smoothed it, instead of over a window.
    smoothed_per: bool = False

    def channel_plan(self, profile: ProfileSettings) -> ChannelPlan:
        """The channels of a device, `UNSERVED` where the network does not serve its region."""
        plan = self.channel_plans.get(profile.region, UNSERVED)
        return plan.of_revision(profile.regionalParameterVersion)
