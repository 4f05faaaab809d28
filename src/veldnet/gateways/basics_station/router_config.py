"""The `router_config` that a station gets: region, data rates, radios and beacon of a channel plan."""

from __future__ import annotations

import re
from typing import Any

from veldnet.gateways.interface import StationProfile
from veldnet.gateways.radio_layout import layouts
from veldnet.lorawan.modulation import Fsk, Lora, Modulation
from veldnet.lorawan.regions import Region

_RATES = 16
_UNDEFINED = [-1, 0, 0]
# Regions by the names that Station has duty cycle and power for; it refuses every downlink in one that it
# does not know. AU915 limits nothing but the power, so it stands for those, with their own `max_eirp`.
_NAMES = {"EU868": "EU868", "US915": "US915", "AU915": "AU915", "KR920": "KR920"}
_OTHER = "AU915"
# Names that Station knew before 2.0.6.
_EARLIER_NAMES = {"EU868": "EU863", "US915": "US902", "AU915": "US902", "KR920": "KR920"}
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def data_rates(region: Region) -> tuple[Modulation | None, ...]:
    """The table of data rates: those of uplinks, and of downlinks where these leave an index free."""
    rates: list[Modulation | None] = []
    for index in range(_RATES):
        rate = region.uplink.get(index) or region.downlink.get(index)
        known = rate is not None and _known(rate.modulation)
        rates.append(rate.modulation if rate is not None and known else None)
    return tuple(rates)


def _known(modulation: Modulation) -> bool:
    """Whether Station can be told of it: neither LR-FHSS nor spreading factors below 7."""
    return isinstance(modulation, Fsk) or (isinstance(modulation, Lora) and modulation.sf >= 7)


def router_config(profile: StationProfile, station: str | None) -> dict[str, Any]:
    """All that a station must know to serve its channels. `station` is its version text, as it says it."""
    region = profile.plan.region
    most = max(region.downlink_power(band.low) for band in region.sub_bands)
    concentrators = layouts(profile.plan, profile.concentrators)
    return {
        "msgtype": "router_config",
        "NetID": None,
        "JoinEui": None,
        "region": _region_name(region, station),
        # Stations with an SX1302 want this name, too.
        "hwspec": f"sx1301/{len(concentrators)}",
        "freq_range": list(frequency_range(region)),
        "DRs": _rates_of(region),
        "max_eirp": most if profile.max_eirp is None else min(most, profile.max_eirp),
        "sx1301_conf": concentrators,
        "bcning": _beacons(region) if profile.class_b else None,
    }


def _beacons(region: Region) -> dict[str, Any]:
    beacon = region.class_b
    before_time, _between, size = beacon.beacon_layout
    return {
        "DR": beacon.beacon_data_rate,
        # Time has four octets, and two of a CRC come before the info descriptor.
        "layout": [before_time, before_time + 6, size],
        "freqs": list(beacon.beacon_frequencies),
    }


def frequency_range(region: Region) -> tuple[int, int]:
    """Where a station may transmit, in Hz."""
    bands = region.sub_bands
    return min(band.low for band in bands), max(band.high for band in bands)


def _rates_of(region: Region) -> list[list[int]]:
    table = []
    for index, modulation in enumerate(data_rates(region)):
        if modulation is None:
            table.append(list(_UNDEFINED))
        elif isinstance(modulation, Lora):
            table.append([modulation.sf, modulation.bandwidth, int(index not in region.uplink)])
        else:
            table.append([0, 0, 0])
    return table


def _region_name(region: Region, station: str | None) -> str:
    found = _VERSION.match(station or "")
    earlier = found is not None and tuple(map(int, found.groups())) < (2, 0, 6)
    names = _EARLIER_NAMES if earlier else _NAMES
    return names.get(region.name, names[_OTHER])
