"""What a transmission costs a battery (supply currents of the Semtech SX1272 data sheet, at 3.3 V)."""

from __future__ import annotations

from bisect import bisect_left

_VOLTS = 3.3
# dBm at the antenna, mA.
_CURRENT = ((7.0, 18.0), (13.0, 28.0), (17.0, 90.0), (20.0, 125.0))
_RECEIVE = 11.2
# Windows without a preamble are closed after so many seconds.
_WINDOW = 0.03


def transmit_energy(power: float, airtime: float) -> float:
    """Joules for `airtime` seconds at `power` dBm and two empty receive windows after it."""
    return _VOLTS * (_current(power) * airtime + _RECEIVE * 2 * _WINDOW) / 1000


def _current(power: float) -> float:
    """mA, between the published points on a line."""
    position = bisect_left(_CURRENT, (power, 0.0))
    if position == 0:
        return _CURRENT[0][1]
    if position == len(_CURRENT):
        return _CURRENT[-1][1]
    (low, least), (high, most) = _CURRENT[position - 1], _CURRENT[position]
    return least + (most - least) * (power - low) / (high - low)
