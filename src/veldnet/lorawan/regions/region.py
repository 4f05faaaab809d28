"""What a region is: tables, no logic that knows a region's name (RP002-1.0.4)."""

from __future__ import annotations

from functools import cached_property

import msgspec

from veldnet.lorawan.modulation import Modulation


class Channel(msgspec.Struct, frozen=True):
    """An uplink channel: centre frequency in Hz and the data rates allowed on it."""

    frequency: int
    min_dr: int
    max_dr: int


class SubBand(msgspec.Struct, frozen=True):
    """A band with a duty cycle of its own; bounds in Hz, power in dBm ERP."""

    name: str
    low: int
    high: int
    duty_cycle: float
    max_erp: int


class Region(msgspec.Struct, frozen=True, dict=True):
    """Regional parameters of a dynamic channel plan. Times in seconds, powers in dBm, sizes in octets."""

    name: str
    default_channels: tuple[Channel, ...]
    data_rates: dict[int, Modulation]
    uplink_only: frozenset[int]
    max_mac_payload: dict[int, int]
    rx1_data_rates: dict[int, tuple[int, ...]]
    rx2_frequency: int
    rx2_data_rate: int
    max_eirp: int
    tx_power_steps: int
    sub_bands: tuple[SubBand, ...]
    adr_max_data_rate: int
    max_channels: int = 16
    rx1_delay: int = 1
    join_accept_delay1: int = 5

    @cached_property
    def _data_rate_of(self) -> dict[Modulation, int]:
        return {modulation: index for index, modulation in reversed(self.data_rates.items())}

    def data_rate_of(self, modulation: Modulation) -> int | None:
        """Index of the data rate that uses a modulation, None if the region has none."""
        return self._data_rate_of.get(modulation)

    def rx1_data_rate(self, uplink_data_rate: int, offset: int) -> int:
        """Data rate of RX1 for an uplink at `uplink_data_rate`."""
        row = self.rx1_data_rates[uplink_data_rate]
        return row[min(offset, len(row) - 1)]

    def max_frm_payload(self, data_rate: int, fopts: int = 0) -> int:
        """Largest FRMPayload at a data rate beside `fopts` octets of FOpts."""
        return max(self.max_mac_payload[data_rate] - 8 - fopts, 0)

    def sub_band(self, frequency: int) -> SubBand | None:
        """The sub-band a frequency lies in."""
        for band in self.sub_bands:
            if band.low <= frequency < band.high:
                return band
        return None

    def downlink_power(self, frequency: int) -> int:
        """EIRP for a downlink on `frequency` in dBm: the sub-band's ERP limit and 2 dB of dipole gain."""
        band = self.sub_band(frequency)
        return (band.max_erp + 2) if band else self.max_eirp
