"""Time on air (Semtech AN1200.13), in milliseconds, and the signal power it is judged by."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, log10

from .modulation import Fsk, LrFhss, Modulation

# LR-FHSS (Semtech AN1200.64): 488.28125 bit/s; a header of 114 bits; payload hops of 48 coded bits behind 2.
_LR_FHSS_HEADER = 233.472
_LR_FHSS_HOP = 102.4
_LR_FHSS_HEADERS = {"1/3": 3, "2/3": 2}


@lru_cache(maxsize=4096)
def time_on_air(
    modulation: Modulation, size: int, *, crc: bool, coding_rate: int = 1, preamble: int = 8
) -> float:
    """Milliseconds on air of a PHYPayload of `size` octets.

    `crc` is True for uplinks and False for downlinks; `coding_rate` 1 to 4 stands for 4/5 to 4/8.
    For LR-FHSS the last hop counts as a whole one, though the radio may end it early.
    """
    if isinstance(modulation, Fsk):
        return (5 + 3 + 1 + size + 2) * 8 * 1000 / modulation.bitrate
    if isinstance(modulation, LrFhss):
        bits = ceil(((size + 2) * 8 + 6) * (3 if modulation.coding_rate == "1/3" else 1.5))
        headers = _LR_FHSS_HEADERS.get(modulation.coding_rate, 2)
        return headers * _LR_FHSS_HEADER + ceil(bits / 48) * _LR_FHSS_HOP
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
