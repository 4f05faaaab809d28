"""ADR by signal-to-noise ratio, the usual algorithm (Semtech's; ThingPark's ADR v2).

The network raises data rate and lowers power; lowering the rate is left to the device's own back-off.
"""

from __future__ import annotations

from veldnet.domain.documents import PlanSettings
from veldnet.lorawan.modulation import SNR_FLOOR, Lora
from veldnet.lorawan.regions import Region

from .history import HISTORY, best_snr, count, loss
from .link import Link, LinkParameters

# NbTrans by share of lost frames (rows) and current NbTrans 1, 2, 3 (columns).
_NB_TRANS = ((0.05, (1, 1, 2)), (0.10, (1, 2, 3)), (0.30, (2, 3, 3)), (2.0, (3, 3, 3)))
_STEP = 3.0


def decide(region: Region, plan: PlanSettings, link: Link, margin: float) -> tuple[LinkParameters, str]:
    """The link parameters the device should use, those it uses while there is too little history; and why."""
    history, current, limits = link.history, link.current, link.limits
    modulation = region.uplink[current.data_rate].modulation
    assert isinstance(modulation, Lora)
    if count(history) < HISTORY:
        return current, f"{count(history)} of {HISTORY} uplinks seen"
    spare = best_snr(history) - SNR_FLOOR[modulation.sf] - margin
    steps = int(spare / _STEP)
    data_rate, tx_power = current.data_rate, current.tx_power
    while steps > 0:
        faster = next((rate for rate in limits.data_rates if rate > data_rate), None)
        if faster is not None:
            data_rate = faster
        elif tx_power < limits.max_tx_power:
            tx_power += 1
        else:
            break
        steps -= 1
    while steps < 0 and tx_power > 0:
        tx_power -= 1
        steps += 1
    lost = loss(history)
    nb_trans = _nb_trans(lost, current.nb_trans) + plan.nbTransOffset
    nb_trans = max(plan.nbTransMin, min(nb_trans, plan.nbTransMax))
    return (
        LinkParameters(data_rate, tx_power, nb_trans),
        f"{spare:+.1f} dB beside the margin, {lost:.0%} lost",
    )


def _nb_trans(lost: float, current: int) -> int:
    column = min(max(current, 1), 3) - 1
    return next(row[column] for limit, row in _NB_TRANS if lost < limit)
