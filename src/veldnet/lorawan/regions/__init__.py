"""Regional parameters as tables, one file a region, and the channel plan a network lays over them."""

from .channel_plan import ChannelPlan
from .eu868 import EU868
from .region import Channel, Region, SubBand

REGIONS: dict[str, Region] = {region.name: region for region in (EU868,)}

__all__ = ["EU868", "REGIONS", "Channel", "ChannelPlan", "Region", "SubBand"]
