"""Capabilities of base station radios, from settings and refusals.

Packet forwarders take the powers of a table only, and the tables differ: small base stations end at 20 dBm,
others lack single steps. A refused power, frequency or GPS time is not tried again at the same base station
for a while; a power is replaced by the next lower one that tables have.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.radio import TransmitWindow
from veldnet.lorawan.regions import Region

# Powers in the tables of the reference designs, in dBm at the antenna connector.
POWER_STEPS = (27, 26, 25, 23, 20, 16, 14, 13, 12, 11, 10, 6, 3, 0, -3, -6)
RADIO_CANNOT = "A5"
NO_GPS_TIME = "DC"
# Seconds for which a refusal counts: radios are replaced and forwarders reconfigured.
_POWER, _FREQUENCY, _GPS = 3600.0, 600.0, 60.0
_MOST_OF_STATION = 64


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why a base station cannot take a frame, as a delivery-failure cause, and when it could. `answer` is the
    word of the base station where it has refused the like before."""

    cause: str
    free_at: float
    answer: str = ""


class RadioSettings(msgspec.Struct, frozen=True):
    """Settings of a base station: highest power in dBm at the antenna connector, None where it is not known;
    antenna gain in dBi with cable losses taken off; highest EIRP in dBm; whether it has the GPS time that
    class B needs; the region that its radios are built for, None where that is not known."""

    max_power: int | None = None
    antenna_gain: float = 2.0
    max_eirp: float | None = None
    class_b: bool = True
    region: Region | None = None

    def refusal(self, window: TransmitWindow, now: float) -> Refusal | None:
        """Why it cannot send in a window, whatever it answers."""
        if window.gps_time is not None and not self.class_b:
            return Refusal(NO_GPS_TIME, now + _POWER)
        if self.region is not None and self.region.sub_band(window.frequency) is None:
            return Refusal(RADIO_CANNOT, now + _POWER)
        return None

    def power(self, eirp: float) -> int:
        """The highest power at the connector for a frame that may have so much EIRP."""
        gain = self.antenna_gain
        power = round(eirp - gain)
        if self.max_eirp is not None:
            power = min(power, math.floor(self.max_eirp - gain))
        return power if self.max_power is None else min(power, self.max_power)


_DEFAULT = RadioSettings()


def default_radio(_base_station: BaseStationId) -> RadioSettings:
    """A base station without settings."""
    return _DEFAULT


def one_by_one(_base_station: BaseStationId) -> bool:
    """A base station that is given one window at a time."""
    return False


class _Refused:
    """What a base station has refused, and until when that counts."""

    __slots__ = ("frequencies", "gps_until", "powers")

    def __init__(self) -> None:
        self.powers: dict[int, float] = {}
        self.frequencies: dict[int, float] = {}
        self.gps_until = 0.0


class BaseStationRadios:
    """Fits transmissions to radios. `plans_both` says which base stations can be given RX1 and RX2 at once.
    Times are Unix seconds."""

    def __init__(
        self,
        settings: Callable[[BaseStationId], RadioSettings] = default_radio,
        plans_both: Callable[[BaseStationId], bool] = one_by_one,
    ) -> None:
        self._settings = settings
        self.plans_both = plans_both
        self._refused: dict[BaseStationId, _Refused] = {}

    def fitted(self, window: TransmitWindow, now: float) -> TransmitWindow | Refusal:
        """The window with a power that its base station takes, or why it cannot send there."""
        settings = self._settings(window.base_station)
        cannot = settings.refusal(window, now)
        if cannot is not None:
            return cannot
        refused = self._refused.get(window.base_station)
        gain = settings.antenna_gain
        wanted, power = round(window.power - gain), settings.power(window.power)
        if refused is not None:
            refusal = _refusal(refused, window, now)
            if refusal is not None:
                return refusal
            lower = _lower(refused, power, now)
            if lower is None:
                return Refusal(RADIO_CANNOT, min(refused.powers.values()), "TX_POWER")
            power = lower
        if power == wanted and gain == window.antenna_gain:
            return window
        eirp = window.power if power == wanted else power + gain
        return replace(window, power=eirp, antenna_gain=gain, margin=window.margin - (window.power - eirp))

    def learn(self, window: TransmitWindow, error: str, now: float) -> None:
        """A base station has answered a transmission in `window` with an error of its protocol."""
        if error not in ("TX_POWER", "TX_FREQ", "GPS_UNLOCKED"):
            return
        refused = self._refused.setdefault(window.base_station, _Refused())
        if error == "GPS_UNLOCKED":
            refused.gps_until = now + _GPS
        elif error == "TX_FREQ":
            _forget_oldest(refused.frequencies)
            refused.frequencies[window.frequency] = now + _FREQUENCY
        else:
            _forget_oldest(refused.powers)
            power = conducted_power(window)
            refused.powers[power] = now + _POWER
            if _lower(refused, power, now) is None:
                # It refuses every power: something is wrong with it that somebody will mend.
                refused.powers = dict.fromkeys(refused.powers, now + _FREQUENCY)

    def refuses_gps_time(self, base_station: BaseStationId, now: float) -> bool | None:
        """Whether a base station of class B has refused to transmit at a GPS time of late; None for one that
        is not of class B."""
        if not self._settings(base_station).class_b:
            return None
        refused = self._refused.get(base_station)
        return refused is not None and refused.gps_until > now

    def highest_power(self, base_station: BaseStationId, now: float) -> int | None:
        """The highest power in dBm that a base station may still take, None where no limit is known."""
        limit = self._settings(base_station).max_power
        refused = self._refused.get(base_station)
        if refused is None or not any(until > now for until in refused.powers.values()):
            return limit
        highest = max(power for power, until in refused.powers.items() if until > now)
        return _lower(refused, highest if limit is None else min(highest, limit), now)


def conducted_power(window: TransmitWindow) -> int:
    """The power sent to the base station, in dBm at the antenna connector."""
    return round(window.power - window.antenna_gain)


def _refusal(refused: _Refused, window: TransmitWindow, now: float) -> Refusal | None:
    until = refused.frequencies.get(window.frequency, 0.0)
    if until > now:
        return Refusal(RADIO_CANNOT, until, "TX_FREQ")
    if window.gps_time is not None and refused.gps_until > now:
        return Refusal(NO_GPS_TIME, refused.gps_until, "GPS_UNLOCKED")
    return None


def _lower(refused: _Refused, power: int, now: float) -> int | None:
    """The power itself, or the next lower step, that was not refused of late."""
    powers = refused.powers
    for step in (power, *(step for step in POWER_STEPS if step < power)):
        if powers.get(step, 0.0) <= now:
            return step
    return None


def _forget_oldest(refused: dict[int, float]) -> None:
    if len(refused) >= _MOST_OF_STATION:
        del refused[next(iter(refused))]
