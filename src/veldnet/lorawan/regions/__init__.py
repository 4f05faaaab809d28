"""Regional parameters as tables, one file a region, and the channel plan a network lays over them."""

from .as923 import AS923_1, AS923_2, AS923_3, AS923_4
from .au915 import AU915
from .channel_plan import UNSERVED, ChannelPlan, parse_cf_list
from .cn470 import CN470, CN470_26A, CN470_26B
from .cn779 import CN779
from .eu433 import EU433
from .eu868 import EU868
from .in865 import IN865
from .kr920 import KR920
from .region import Channel, DataRate, Region, SubBand, max_frm_payload
from .ru864 import RU864
from .us915 import US915

REGIONS: dict[str, Region] = {
    region.name: region
    for region in (
        EU868,
        US915,
        AU915,
        AS923_1,
        AS923_2,
        AS923_3,
        AS923_4,
        IN865,
        KR920,
        RU864,
        EU433,
        CN779,
        CN470,
        CN470_26A,
        CN470_26B,
    )
}

# Names of versions before, of regions with their revision; read for one release.
FORMER_NAMES = {"AU915-1.0.2A": ("AU915", "1.0.2revA")}


def region_named(name: str) -> Region | None:
    """A region, also by a former name: then as devices of that revision know it."""
    current, revision = FORMER_NAMES.get(name, (name, ""))
    region = REGIONS.get(current)
    return None if region is None else region.of_revision(revision)


__all__ = [
    "EU868",
    "FORMER_NAMES",
    "REGIONS",
    "UNSERVED",
    "Channel",
    "ChannelPlan",
    "DataRate",
    "Region",
    "SubBand",
    "channel_mask",
    "max_frm_payload",
    "parse_cf_list",
    "region_named",
]
