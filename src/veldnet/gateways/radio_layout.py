"""The channels of a plan on the two radios of a concentrator, in the words that its programs share."""

from __future__ import annotations

from typing import Any

from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import Channel, ChannelPlan, Region

# The offset of a channel from the centre of its radio, in Hz (SX1301 and SX1302 with 125 kHz channels).
_FARTHEST = 400_000
_RASTER = 100_000
_MULTI_SF = 8
# Fixed channels of the two demodulators beside those of 125 kHz: (frequency, bandwidth, SF) and FSK.
_STANDARD = {"EU868": (868_300_000, 250_000, 7)}
_FSK = {"EU868": 868_800_000}
_FSK_BITRATE = 50_000


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
