"""ADR by packet error rate (ThingPark's ADR v3): the least airtime at which enough frames still arrive.

ThingPark does not publish its algorithm; this one is Veldnet's, with ThingPark's parameters. From the SNR of
the frames that arrived it estimates how likely a frame arrives at each data rate and power, and from the
gaps between their counters how many are lost for other reasons, such as collisions. A frame fails when all
its NbTrans transmissions fail. Of all settings whose frames fail no more often than the target, and whose
single transmissions arrive as reliably as the plan asks, the one with the least airtime wins, then the least
power. Unlike v2 it also lowers the data rate, before the device's own slow back-off does.
"""

from __future__ import annotations

from functools import lru_cache
from math import erf, sqrt

import msgspec

from veldnet.domain.documents import PlanSettings
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.modulation import SNR_FLOOR, Lora
from veldnet.lorawan.regions import Region

from .history import SIZE, count, loss
from .link import Link, LinkParameters

# Uplinks before the first decision, and before one that helps a device which loses too many.
ENOUGH = 10
ENOUGH_WHEN_LOSING = 5
# SNR in later frames strays so many dB from that of the frames seen.
_SPREAD = 2.5
# Kept back in dB, for what twenty frames do not show.
_PRUDENCE = 1.5
# A new setting must save so much of the airtime, or the change is not worth a downlink.
_WORTHWHILE = 0.85
# TXPower indexes that a reduction must gain.
_POWER_STEP = 2
# Frame for which settings are compared, in octets.
_FRAME = 25


class Setting(msgspec.Struct, frozen=True, gc=False):
    """A data rate with NbTrans, and the milliseconds on air that a frame then costs."""

    data_rate: int
    nb_trans: int
    airtime: float


class _Losses(msgspec.Struct, frozen=True, gc=False):
    """What a history says: the SNR of its frames as octets, and the share of single transmissions that are
    lost although their signal should do."""

    region: Region
    current: LinkParameters
    snrs: bytes
    other: float
    reserve: float

    def single_loss(self, data_rate: int, tx_power: int) -> float:
        """Expected share of single transmissions lost at a setting."""
        change = 2.0 * (self.current.tx_power - tx_power) - self.reserve
        weak = _too_weak(self.region, self.snrs, data_rate, change)
        return 1 - (1 - weak) * (1 - self.other)


def decide(region: Region, plan: PlanSettings, link: Link, prudence: float) -> tuple[LinkParameters, str]:
    """The link parameters the device should use, those it uses while there is too little history; and why."""
    history, current, limits = link.history, link.current, link.limits
    seen = count(history)
    target = plan.targetPacketErrorRate
    if seen < ENOUGH_WHEN_LOSING:
        return current, f"{seen} of {ENOUGH} uplinks seen"
    lost = loss(history)
    if seen < ENOUGH and lost <= target:
        return current, f"{seen} of {ENOUGH} uplinks seen"
    losses = _losses(region, link, prudence, lost)
    settings = _settings(region, limits.data_rates, plan.nbTransMin, plan.nbTransMax)
    best = next((s for s in settings if _good(losses, s, 0, plan)), None)
    if best is None:
        # What comes nearest; a slower rate is of no use against collisions.
        nearest = min(
            settings, key=lambda s: (round(losses.single_loss(s.data_rate, 0) ** s.nb_trans, 2), s.airtime)
        )
        wanted = LinkParameters(nearest.data_rate, 0, nearest.nb_trans)
        return wanted, f"{lost:.0%} lost; no setting reaches {target:.0%}, this one comes nearest"
    now = Setting(current.data_rate, current.nb_trans, _airtime(region, current.data_rate) * current.nb_trans)
    dear = now.data_rate in limits.data_rates and best.airtime > now.airtime * _WORTHWHILE
    if dear and _good(losses, now, current.tx_power, plan):
        best = now
    tx_power = 0
    while tx_power < limits.max_tx_power and _good(losses, best, tx_power + 1, plan):
        tx_power += 1
    # Power is changed in steps worth a downlink; it is raised whenever it must be.
    if best == now and 0 <= tx_power - current.tx_power < _POWER_STEP:
        tx_power = current.tx_power
    expected = losses.single_loss(best.data_rate, tx_power) ** best.nb_trans
    return (
        LinkParameters(best.data_rate, tx_power, best.nb_trans),
        f"{lost:.0%} lost; {expected:.1%} expected, target {target:.0%}",
    )


def _losses(region: Region, link: Link, prudence: float, lost: float) -> _Losses:
    snrs, current = link.history[SIZE - 1 :: SIZE], link.current
    # A frame is lost with all its repetitions.
    single = lost ** (1 / current.nb_trans)
    weak = _too_weak(region, snrs, current.data_rate, 0.0)
    other = max(0.0, (single - weak) / (1 - weak)) if weak < 1 else 0.0
    return _Losses(region, current, snrs, other, prudence + _PRUDENCE)


def _good(losses: _Losses, setting: Setting, tx_power: int, plan: PlanSettings) -> bool:
    single = losses.single_loss(setting.data_rate, tx_power)
    return (
        single**setting.nb_trans <= plan.targetPacketErrorRate
        and single <= 1 - plan.macroDiversityReliability
    )


@lru_cache(maxsize=256)
def _settings(region: Region, data_rates: tuple[int, ...], low: int, high: int) -> tuple[Setting, ...]:
    """All settings, the least airtime first."""
    found = [
        Setting(data_rate, nb_trans, _airtime(region, data_rate) * nb_trans)
        for data_rate in data_rates
        for nb_trans in range(low, max(low, high) + 1)
    ]
    return tuple(sorted(found, key=lambda setting: setting.airtime))


def _airtime(region: Region, data_rate: int) -> float:
    return time_on_air(region.uplink[data_rate].modulation, _FRAME, crc=True)


def _too_weak(region: Region, snrs: bytes, data_rate: int, change: float) -> float:
    """Share of transmissions too weak for a data rate when every SNR changes by so many dB."""
    modulation = region.uplink[data_rate].modulation
    if not isinstance(modulation, Lora):
        return 1.0
    threshold = round((SNR_FLOOR[modulation.sf] - change) * 4)
    return sum(snrs.translate(_chances(threshold))) / (255 * len(snrs))


@lru_cache(maxsize=512)
def _chances(threshold: int) -> bytes:
    """For each octet of SNR in quarters of a dB, the chance in 255ths that a later frame falls below a
    threshold: SNR is taken to stray normally."""
    return bytes(
        round(255 * 0.5 * (1 + erf((threshold - (octet - 256 if octet > 127 else octet)) / _ROOT)))
        for octet in range(256)
    )


_ROOT = 4 * _SPREAD * sqrt(2)
