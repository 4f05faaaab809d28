"""The `router_config` that a station gets: region, data rates, radios and beacon of a channel plan."""

from __future__ import annotations

import re
from typing import Any

from veldnet.lorawan.modulation import Fsk, Lora, Modulation
from veldnet.lorawan.regions import Channel, ChannelPlan, Region

_RATES = 16
_UNDEFINED = [-1, 0, 0]
# The offset of a channel from the centre of its radio, in Hz (SX1301 and SX1302 with 125 kHz channels).
_FARTHEST = 400_000
_RASTER = 100_000
_MULTI_SF = 8
# Regions by the names that Station has duty cycle and power for; it refuses every downlink in one that it
# does not know. AU915 limits nothing but the power, so it stands for those, with their own `max_eirp`.
_NAMES = {"EU868": "EU868", "US915": "US915", "AU915": "AU915", "KR920": "KR920"}
_OTHER = "AU915"
# Names that Station knew before 2.0.6.
_EARLIER_NAMES = {"EU868": "EU863", "US915": "US902", "AU915": "US902", "KR920": "KR920"}
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
# Fixed channels of the two demodulators beside those of 125 kHz: (frequency, bandwidth, SF) and FSK.
_STANDARD = {"EU868": (868_300_000, 250_000, 7)}
_FSK = {"EU868": 868_800_000}
_FSK_BITRATE = 50_000


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


def router_config(plan: ChannelPlan, station: str | None) -> dict[str, Any]:
    """All that a station must know to serve a channel plan. `station` is its version text, as it says it."""
    region = plan.region
    beacon = region.class_b
    before_time, _between, size = beacon.beacon_layout
    return {
        "msgtype": "router_config",
        "NetID": None,
        "JoinEui": None,
        "region": _region_name(region, station),
        # Stations with an SX1302 want this name, too.
        "hwspec": "sx1301/1",
        "freq_range": [
            min(band.low for band in region.sub_bands),
            max(band.high for band in region.sub_bands),
        ],
        "DRs": _rates_of(region),
        "max_eirp": max(region.downlink_power(band.low) for band in region.sub_bands),
        "sx1301_conf": [radios(plan)],
        "bcning": {
            "DR": beacon.beacon_data_rate,
            # Time has four octets, and two of a CRC come before the info descriptor.
            "layout": [before_time, before_time + 6, size],
            "freqs": list(beacon.beacon_frequencies),
        },
    }


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


def radios(plan: ChannelPlan) -> dict[str, Any]:
    """Two radios and the channels that they hear: the first eight of 125 kHz that fit, and the two others."""
    region, used = plan.region, _used(plan)
    narrow = [channel for channel in used if _bandwidth(region, channel) == 125]
    centres = _centres([channel.frequency for channel in narrow], _FSK.get(region.name))
    heard = [channel.frequency for channel in narrow if _radio_of(channel.frequency, centres) is not None]
    conf: dict[str, Any] = {}
    for number in range(2):
        conf[f"radio_{number}"] = (
            {"enable": True, "freq": centres[number]}
            if number < len(centres)
            else {"enable": False, "freq": 0}
        )
    for number in range(_MULTI_SF):
        frequency = heard[number] if number < len(heard) else None
        conf[f"chan_multiSF_{number}"] = _place(frequency, centres)
    conf["chan_Lora_std"] = _standard(plan, used, centres)
    conf["chan_FSK"] = _fsk(region, centres)
    return conf


def _used(plan: ChannelPlan) -> list[Channel]:
    mask = plan.mask
    return [channel for index, channel in enumerate(plan.channels) if mask >> index & 1]


def _bandwidth(region: Region, channel: Channel) -> int:
    modulation = region.uplink[channel.min_dr].modulation
    return modulation.bandwidth if isinstance(modulation, Lora) else 0


def _centres(frequencies: list[int], fsk: int | None) -> list[int]:
    """Centres of two radios at most, so that the first channels are heard: those are what devices join on."""
    groups: list[list[int]] = []
    chosen = 0
    for frequency in frequencies:
        group = next((group for group in groups if _span([*group, frequency]) <= 2 * _FARTHEST), None)
        if group is not None:
            group.append(frequency)
        elif len(groups) == 2:
            continue
        else:
            # The radio of the first channels hears the FSK channel, too, where it can.
            beside = fsk is not None and not groups and _span([fsk, frequency]) <= 2 * _FARTHEST
            groups.append([frequency, fsk] if beside and fsk is not None else [frequency])
        chosen += 1
        if chosen == _MULTI_SF:
            break
    return [_centre(group) for group in groups]


def _span(frequencies: list[int]) -> int:
    return max(frequencies) - min(frequencies)


def _centre(group: list[int]) -> int:
    """The middle of the channels, on a raster where all stay in reach."""
    middle = (min(group) + max(group)) // 2
    rastered = round(middle / _RASTER) * _RASTER
    return rastered if all(abs(f - rastered) <= _FARTHEST for f in group) else middle


def _radio_of(frequency: int, centres: list[int], farthest: int = _FARTHEST) -> int | None:
    return next((n for n, centre in enumerate(centres) if abs(frequency - centre) <= farthest), None)


def _place(frequency: int | None, centres: list[int], farthest: int = _FARTHEST) -> dict[str, Any]:
    radio = None if frequency is None else _radio_of(frequency, centres, farthest)
    if frequency is None or radio is None:
        return {"enable": False, "radio": 0, "if": 0}
    return {"enable": True, "radio": radio, "if": frequency - centres[radio]}


# A channel of 250 or 500 kHz must lie within the radio's bandwidth.
_FARTHEST_WIDE = 300_000


def _standard(plan: ChannelPlan, used: list[Channel], centres: list[int]) -> dict[str, Any]:
    region = plan.region
    wide = next((channel for channel in used if _bandwidth(region, channel) == 500), None)
    if wide is not None:
        modulation = region.uplink[wide.min_dr].modulation
        assert isinstance(modulation, Lora)
        frequency, bandwidth, sf = wide.frequency, 500_000, modulation.sf
    elif region.name in _STANDARD:
        frequency, bandwidth, sf = _STANDARD[region.name]
    else:
        return {"enable": False}
    place = _place(frequency, centres, _FARTHEST_WIDE)
    return place | {"bandwidth": bandwidth, "spread_factor": sf} if place["enable"] else {"enable": False}


def _fsk(region: Region, centres: list[int]) -> dict[str, Any]:
    place = _place(_FSK.get(region.name), centres, _FARTHEST)
    return place | {"bandwidth": 125_000, "datarate": _FSK_BITRATE} if place["enable"] else {"enable": False}
