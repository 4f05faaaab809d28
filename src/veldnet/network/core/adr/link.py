"""What LinkADRReq can set, and within which bounds."""

from __future__ import annotations

import msgspec

from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import Region


class LinkParameters(msgspec.Struct, frozen=True, gc=False):
    """What LinkADRReq can set."""

    data_rate: int
    tx_power: int
    nb_trans: int


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """Data rates and the highest TXPower index that plan, region and device allow."""

    data_rates: tuple[int, ...]
    max_tx_power: int

    @property
    def min_data_rate(self) -> int:
        return self.data_rates[0]

    @property
    def max_data_rate(self) -> int:
        return self.data_rates[-1]


class Link(msgspec.Struct, frozen=True, gc=False):
    """What is known of a device's link: the packed uplinks it was seen with, the parameters it uses, and how
    far these may change."""

    history: bytes
    current: LinkParameters
    limits: Bounds


def bounds(
    region: Region,
    sf_min: int | None,
    sf_max: int | None,
    *,
    dwell: bool = False,
    caps: tuple[int, int] | None = None,
) -> Bounds:
    """Data rates between the plan's spreading factors, never above the region's limit for ADR.

    `dwell` leaves out what a dwell time limit forbids; `caps` are the highest data rate and TXPower index
    that the device has not refused.
    """
    key = (region.name, region.revision, sf_min, sf_max, dwell, caps)
    known = _bounds.get(key)
    if known is None:
        known = _bounds[key] = _find_bounds(region, sf_min, sf_max, dwell, caps)
    return known


# Few combinations exist, and every uplink asks.
_bounds: dict[tuple[str, str, int | None, int | None, bool, tuple[int, int] | None], Bounds] = {}


def _find_bounds(
    region: Region, sf_min: int | None, sf_max: int | None, dwell: bool, caps: tuple[int, int] | None
) -> Bounds:
    highest, power = caps or (region.adr_max_data_rate, region.tx_power_steps)
    usable = [
        (index, rate.modulation.sf)
        for index, rate in sorted(region.uplink.items())
        if isinstance(rate.modulation, Lora)
        and index <= region.adr_max_data_rate
        and not (dwell and rate.dwell == 0)
    ]
    allowed = [index for index, sf in usable if index <= highest and (sf_min or 0) <= sf <= (sf_max or 12)]
    return Bounds(tuple(allowed or [usable[0][0]]), min(power, region.tx_power_steps))
