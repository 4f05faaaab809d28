"""Time on air (Semtech AN1200.13), in milliseconds, and the signal power it is judged by."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log10

from .modulation import Fsk, Lora, Modulation


@lru_cache(maxsize=4096)
def time_on_air(
    modulation: Modulation, size: int, *, crc: bool, coding_rate: int = 1, preamble: int = 8
) -> float:
    """Milliseconds on air of a PHYPayload of `size` octets.

    `crc` is True for uplinks and False for downlinks; `coding_rate` 1 to 4 stands for 4/5 to 4/8.
    LR-FHSS depends on the radio's own tables and is refused with `ValueError`.
    """
    if isinstance(modulation, Fsk):
        return (5 + 3 + 1 + size + 2) * 8 * 1000 / modulation.bitrate
    if not isinstance(modulation, Lora):
        raise ValueError(f"no time on air for {modulation}")
    sf = modulation.sf
    symbol = (1 << sf) / modulation.bandwidth
    low_rate = 1 if symbol >= 16 else 0
    blocks = ceil((8 * size - 4 * sf + 28 + (16 if crc else 0)) / (4 * (sf - 2 * low_rate)))
    symbols = 8 + max(blocks * (coding_rate + 4), 0)
    sync = 6.25 if sf < 7 else 4.25
    return (preamble + sync + symbols) * symbol


def estimated_signal_power(rssi: float, snr: float) -> float:
    """ESP in dBm: the power of the signal without the noise in the channel.

    ThingPark's and the network's formula agree: RSSI + SNR - 10 log10(1 + 10^(SNR/10)).
    """
    return rssi + snr - 10 * log10(1 + 10 ** (snr / 10))
