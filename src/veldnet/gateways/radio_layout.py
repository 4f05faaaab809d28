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


def layouts(plan: ChannelPlan, concentrators: int) -> list[dict[str, Any]]:
    """For each concentrator two radios and the channels that they hear: the first eight of 125 kHz that fit
    and that those before it do not hear, and the two others; no more than have something to hear."""
    region, used = plan.region, _used(plan)
    rest = [channel.frequency for channel in used if _bandwidth(region, channel) == 125]
    wide = [channel for channel in used if _bandwidth(region, channel) == 500]
    found: list[dict[str, Any]] = []
    while len(found) < concentrators and (rest or not found):
        first = not found
        centres = _centres(rest, _FSK.get(region.name) if first else None)
        heard = [frequency for frequency in rest if _radio_of(frequency, centres) is not None][:_MULTI_SF]
        rest = [frequency for frequency in rest if frequency not in heard]
        conf = _tuned(centres) | {
            f"chan_multiSF_{number}": _place(heard[number] if number < len(heard) else None, centres)
            for number in range(_MULTI_SF)
        }
        conf["chan_Lora_std"] = _standard(plan, wide, centres, first=first)
        conf["chan_FSK"] = _fsk(region, centres) if first else {"enable": False}
        found.append(conf)
    return found


def _tuned(centres: list[int]) -> dict[str, Any]:
    return {
        f"radio_{number}": {"enable": True, "freq": centres[number]}
        if number < len(centres)
        else {"enable": False, "freq": 0}
        for number in range(2)
    }


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


def _standard(plan: ChannelPlan, wide: list[Channel], centres: list[int], *, first: bool) -> dict[str, Any]:
    """The channel of 250 or 500 kHz: the first of those that the radios reach."""
    region = plan.region
    for channel in wide:
        modulation = region.uplink[channel.min_dr].modulation
        place = _place(channel.frequency, centres, _FARTHEST_WIDE)
        if place["enable"] and isinstance(modulation, Lora):
            return place | {"bandwidth": 500_000, "spread_factor": modulation.sf}
    if not first or wide or region.name not in _STANDARD:
        return {"enable": False}
    frequency, bandwidth, sf = _STANDARD[region.name]
    place = _place(frequency, centres, _FARTHEST_WIDE)
    return place | {"bandwidth": bandwidth, "spread_factor": sf} if place["enable"] else {"enable": False}


def _fsk(region: Region, centres: list[int]) -> dict[str, Any]:
    place = _place(_FSK.get(region.name), centres, _FARTHEST)
    return place | {"bandwidth": 125_000, "datarate": _FSK_BITRATE} if place["enable"] else {"enable": False}
