"""What a region is: tables, no logic that knows a region's name (RP002-1.0.4)."""

from __future__ import annotations

from enum import Enum
from functools import cached_property

import msgspec

from veldnet.lorawan.modulation import Modulation

# MACPayload without FRMPayload: FHDR without FOpts, and FPort.
HEADER = 8
# Longest MACPayload that a repeater can still wrap.
REPEATER_LIMIT = 230


class Channel(msgspec.Struct, frozen=True):
    """An uplink channel: centre frequency in Hz and the data rates allowed on it."""

    frequency: int
    min_dr: int
    max_dr: int


class SubBand(msgspec.Struct, frozen=True):
    """A band with a duty cycle of its own (1.0 is no limit); bounds in Hz, power in dBm ERP."""

    name: str
    low: int
    high: int
    duty_cycle: float
    max_erp: int


class DataRate(msgspec.Struct, frozen=True):
    """A row of a data rate table. `max_mac_payload` is M in octets.

    `dwell` is M while a dwell time limit of 400 ms holds (0: not usable then, None: no difference), `early`
    M for devices before RP002-1.0.1 where it differs, `repeater` M behind a repeater where it is not simply
    capped at 230.
    """

    modulation: Modulation
    max_mac_payload: int
    dwell: int | None = None
    early: int | None = None
    repeater: int | None = None


class Control(Enum):
    """What a ChMaskCntl of LinkADRReq does (RP002-1.0.4, the LinkADRReq section of each region)."""

    # ChMask for channels 16c to 16c + 15.
    PAGE = "page"
    ALL = "all"
    NONE = "none"
    # ChMask bit k switches eight 125 kHz channels and one of 500 kHz.
    BANKS = "banks"
    # All 125 kHz channels on or off, ChMask for those of 500 kHz.
    NARROW_ON = "narrow on"
    NARROW_OFF = "narrow off"


class ClassBTable(msgspec.Struct, frozen=True):
    """Class B of a region. Where there are eight frequencies, beacon and ping slots hop over them.

    `beacon_layout` is (octets before Time, octets between the CRCs, all octets).
    """

    beacon_frequencies: tuple[int, ...]
    beacon_data_rate: int
    beacon_layout: tuple[int, int, int]
    ping_frequencies: tuple[int, ...]
    ping_data_rate: int


class Region(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """Regional parameters. Times in seconds, powers in dBm, frequencies in Hz, sizes in octets.

    `channels` are the default channels of a dynamic plan, or all channels of a fixed one. A fixed plan
    answers on `downlink_channels[uplink channel mod their number]`, a dynamic one on the uplink's frequency.
    `rx1` maps the uplink's data rate to RX1's by RX1DRoffset; `rx1_dwell` does while downlink dwell time is
    limited. `tx_power_steps` is the highest TXPower index, each 2 dB below the one before.

    `earlier` has the region as devices of an earlier revision of the regional parameters know it, by the
    revision's name in device profiles; channels are on the same frequencies in all of them.
    """

    name: str
    revision: str
    channels: tuple[Channel, ...]
    uplink: dict[int, DataRate]
    downlink: dict[int, DataRate]
    rx1: dict[int, tuple[int, ...]]
    rx1_dwell: dict[int, tuple[int, ...]] | None = None
    downlink_channels: tuple[int, ...] = ()
    rx2_frequency: int
    rx2_data_rate: int
    join_data_rates: tuple[int, int] = (0, 5)
    max_eirp: float
    tx_power_steps: int
    sub_bands: tuple[SubBand, ...]
    adr_max_data_rate: int
    max_channels: int
    controls: dict[int, Control]
    # CFList of type 0 holds frequencies, one of type 1 a channel mask; None: the region has none.
    cf_list_type: int | None = 0
    # Whether TxParamSetupReq exists here, and whether the limits hold before it is sent.
    tx_param_setup: bool = False
    default_dwell: bool = False
    class_b: ClassBTable
    rx1_delay: int = 1
    join_accept_delay1: int = 5
    earlier: dict[str, Region] = msgspec.field(default_factory=dict)

    def __hash__(self) -> int:
        # Tables are not hashable; a region is known by its name and revision.
        return hash((self.name, self.revision))

    def of_revision(self, revision: str) -> Region:
        """The region as devices of a revision know it."""
        return self.earlier.get(revision, self)

    @property
    def fixed(self) -> bool:
        """Whether the channels are given by the region and only switched on and off."""
        return len(self.channels) == self.max_channels

    @cached_property
    def narrow_channels(self) -> int:
        """How many channels come before those of 500 kHz, if there are any."""
        return sum(
            getattr(self.uplink[channel.min_dr].modulation, "bandwidth", 125) == 125
            for channel in self.channels
        )

    @cached_property
    def _uplink_of(self) -> dict[Modulation, int]:
        return {rate.modulation: index for index, rate in reversed(self.uplink.items())}

    @cached_property
    def _downlink_of(self) -> dict[Modulation, int]:
        return {rate.modulation: index for index, rate in reversed(self.downlink.items())}

    def uplink_data_rate(self, modulation: Modulation) -> int | None:
        """Index of the uplink data rate with a modulation, None if the region has none."""
        return self._uplink_of.get(modulation)

    def downlink_data_rate(self, modulation: Modulation) -> int | None:
        """Index of the downlink data rate with a modulation, None if the region has none."""
        return self._downlink_of.get(modulation)

    def rx1_data_rate(self, uplink_data_rate: int, offset: int, *, dwell: bool = False) -> int:
        """Data rate of RX1 for an uplink at `uplink_data_rate`; an offset beyond the table is its last."""
        table = self.rx1_dwell if dwell and self.rx1_dwell is not None else self.rx1
        row = table[uplink_data_rate]
        return row[min(offset, len(row) - 1)]

    @cached_property
    def max_rx1_dr_offset(self) -> int:
        return max(len(row) for row in self.rx1.values()) - 1

    def rx1_frequency(self, uplink_frequency: int, channel: int | None) -> int:
        """Frequency of RX1 for an uplink on a channel; a channel that is not known answers like the first."""
        if not self.downlink_channels:
            return uplink_frequency
        return self.downlink_channels[(channel or 0) % len(self.downlink_channels)]

    def sub_band(self, frequency: int) -> SubBand | None:
        """The sub-band a frequency lies in."""
        for band in self.sub_bands:
            if band.low <= frequency < band.high:
                return band
        return None

    def downlink_power(self, frequency: int) -> float:
        """EIRP for a downlink on `frequency` in dBm: the sub-band's ERP limit and 2 dB of dipole gain."""
        band = self.sub_band(frequency)
        return (band.max_erp + 2) if band else self.max_eirp


def max_frm_payload(
    rate: DataRate, fopts: int = 0, *, dwell: bool = False, repeater: bool = False, early: bool = False
) -> int:
    """N: the largest FRMPayload of a data rate beside `fopts` octets of FOpts."""
    limit = rate.max_mac_payload
    if early and rate.early is not None:
        limit = rate.early
    if dwell and rate.dwell is not None:
        limit = min(limit, rate.dwell)
    if repeater:
        limit = min(limit, rate.repeater if rate.repeater is not None else REPEATER_LIMIT)
    return max(limit - HEADER - fopts, 0)
