"""Adaptive data rate, the usual SNR-based algorithm (reference: Semtech's; ThingPark's ADR v2).

The network raises data rate and lowers power; lowering the rate is left to the device's own back-off.
"""

from __future__ import annotations

import struct

import msgspec

from veldnet.lorawan.modulation import SNR_FLOOR, Lora
from veldnet.lorawan.regions import Region

HISTORY = 20
_SAMPLE = struct.Struct("<Ib")

# NbTrans by share of lost frames (rows) and current NbTrans 1, 2, 3 (columns).
_NB_TRANS = ((0.05, (1, 1, 2)), (0.10, (1, 2, 3)), (0.30, (2, 3, 3)), (2.0, (3, 3, 3)))


class LinkParameters(msgspec.Struct, frozen=True, gc=False):
    """What LinkADRReq can set."""

    data_rate: int
    tx_power: int
    nb_trans: int


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """Data rates the plan and region allow."""

    min_data_rate: int
    max_data_rate: int
    max_tx_power: int


def remember(history: bytes, fcnt: int, snr: float) -> bytes:
    """The history with one uplink more, at most HISTORY long; SNR in steps of a quarter dB."""
    sample = _SAMPLE.pack(fcnt, max(-128, min(127, round(snr * 4))))
    return (history + sample)[-HISTORY * _SAMPLE.size :]


def samples(history: bytes) -> list[tuple[int, float]]:
    """(FCnt, SNR in dB) of each remembered uplink, oldest first."""
    return [(fcnt, quarter / 4) for fcnt, quarter in _SAMPLE.iter_unpack(history)]


def loss(history: bytes) -> float:
    """Share of frames missing between the first and last counter of a history."""
    count = len(history) // _SAMPLE.size
    first = int.from_bytes(history[:4], "little")
    last = int.from_bytes(history[-_SAMPLE.size : -1], "little")
    return 1 - count / (last - first + 1)


def best_snr(history: bytes) -> float:
    """Highest SNR of a history in dB."""
    # Adding 128 turns signed octets into unsigned ones of the same order.
    shifted = history[_SAMPLE.size - 1 :: _SAMPLE.size].translate(_SIGN_FLIPPED)
    return (max(shifted) - 128) / 4


_SIGN_FLIPPED = bytes((value + 128) % 256 for value in range(256))


def bounds(region: Region, sf_min: int | None, sf_max: int | None) -> Bounds:
    """Data rates between the plan's spreading factors, never above the region's limit for ADR."""
    known = _bounds.get((region.name, sf_min, sf_max))
    if known is None:
        known = _bounds[(region.name, sf_min, sf_max)] = _find_bounds(region, sf_min, sf_max)
    return known


# Few combinations exist, and every uplink asks.
_bounds: dict[tuple[str, int | None, int | None], Bounds] = {}


def _find_bounds(region: Region, sf_min: int | None, sf_max: int | None) -> Bounds:
    allowed = [
        index
        for index, modulation in region.data_rates.items()
        if isinstance(modulation, Lora)
        and index <= region.adr_max_data_rate
        and (sf_min or 0) <= modulation.sf <= (sf_max or 12)
    ]
    if not allowed:
        allowed = [0]
    return Bounds(min(allowed), max(allowed), region.tx_power_steps)


def decide(
    region: Region, history: bytes, current: LinkParameters, margin: float, limits: Bounds
) -> LinkParameters:
    """The link parameters the device should use; `current` while there is too little history.

    `margin` is the installation margin in dB.
    """
    modulation = region.data_rates[current.data_rate]
    if len(history) < HISTORY * _SAMPLE.size or not isinstance(modulation, Lora):
        return current
    steps = int((best_snr(history) - SNR_FLOOR[modulation.sf] - margin) / 3)
    data_rate, tx_power = current.data_rate, current.tx_power
    while steps > 0 and (data_rate < limits.max_data_rate or tx_power < limits.max_tx_power):
        if data_rate < limits.max_data_rate:
            data_rate += 1
        else:
            tx_power += 1
        steps -= 1
    while steps < 0 and tx_power > 0:
        tx_power -= 1
        steps += 1
    return LinkParameters(data_rate, tx_power, _nb_trans(loss(history), current.nb_trans))


def _nb_trans(lost: float, current: int) -> int:
    column = min(max(current, 1), 3) - 1
    return next(row[column] for limit, row in _NB_TRANS if lost < limit)
