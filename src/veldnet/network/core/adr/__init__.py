"""Adaptive data rate: which data rate, power and NbTrans a device should use.

Two algorithms, chosen by the connectivity plan: `snr_based` (ThingPark's v2, the usual one) and
`error_rate` (v3, after the frames that arrive). Both read the same history of uplinks.
"""

from __future__ import annotations

from veldnet.domain.documents import PlanSettings
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.regions import Region

from . import error_rate, snr_based
from .history import HISTORY, SIZE, UNHEARD, remember, samples
from .link import Bounds, Link, LinkParameters, bounds

# Decibels kept back for devices that move: their link an hour from now is not that of now.
_MOTION = {"NEAR_STATIC": 0.0, "WALKING_SPEED": 2.0, "BIKE_SPEED": 3.0, "VEHICLE_SPEED": 5.0, "RANDOM": 0.0}


# Once it has enough uplinks, v3 decides with every fourth.
_EVERY = 4


class Decision(LinkParameters, frozen=True, gc=False):
    """What the device should use, and why."""

    reason: str = ""

    @property
    def link(self) -> LinkParameters:
        return LinkParameters(self.data_rate, self.tx_power, self.nb_trans)


def decide(region: Region, plan: PlanSettings, link: Link, *, margin: float, motion: str) -> Decision:
    """The link parameters a device should use. `margin` is the installation margin of v2 in dB."""
    if not isinstance(region.uplink[link.current.data_rate].modulation, Lora):
        return _keep(link.current, "the data rate in use is not one that ADR changes")
    prudence = _MOTION.get(motion, 0.0)
    if plan.adrVersion == 2:
        wanted, reason = snr_based.decide(region, plan, link, margin + plan.marginOffset + prudence)
    else:
        wanted, reason = error_rate.decide(region, plan, link, prudence)
    return Decision(wanted.data_rate, wanted.tx_power, wanted.nb_trans, reason)


def may_wait(plan: PlanSettings, history: bytes, fcnt: int) -> bool:
    """Whether v3 need not decide with this uplink: it has decided before; one frame more changes little."""
    return plan.adrVersion == 3 and fcnt % _EVERY != 0 and len(history) > error_rate.ENOUGH * SIZE


def _keep(current: LinkParameters, reason: str) -> Decision:
    return Decision(current.data_rate, current.tx_power, current.nb_trans, reason)


__all__ = [
    "HISTORY",
    "UNHEARD",
    "Bounds",
    "Decision",
    "Link",
    "LinkParameters",
    "bounds",
    "decide",
    "may_wait",
    "remember",
    "samples",
]
