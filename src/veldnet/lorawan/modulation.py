"""Modulations of LoRaWAN: what a data rate means on air."""

from __future__ import annotations

import msgspec


class Lora(msgspec.Struct, frozen=True, gc=False, tag="LORA"):
    """Chirp spread spectrum; bandwidth in kHz."""

    sf: int
    bandwidth: int

    def __str__(self) -> str:
        return f"SF{self.sf}BW{self.bandwidth}"


class Fsk(msgspec.Struct, frozen=True, gc=False, tag="FSK"):
    """Frequency shift keying; bit rate in bit/s."""

    bitrate: int

    def __str__(self) -> str:
        return f"FSK{self.bitrate}"


class LrFhss(msgspec.Struct, frozen=True, gc=False, tag="LR-FHSS"):
    """Long-range frequency hopping (uplink only); `grid` and occupied bandwidth in kHz, coding rate text."""

    bandwidth: int
    coding_rate: str

    def __str__(self) -> str:
        return f"LRFHSS{self.bandwidth}CR{self.coding_rate}"


Modulation = Lora | Fsk | LrFhss

# Demodulation floor in dB for 125 kHz (Semtech data sheets).
SNR_FLOOR = {5: -2.5, 6: -5.0, 7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
