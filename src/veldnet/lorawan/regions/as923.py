"""AS923, four groups that differ by a frequency offset; dwell time may be limited (RP002-1.0.4 §2.9)."""

from __future__ import annotations

from veldnet.lorawan.modulation import Fsk, Lora

from .region import Channel, ClassBTable, DataRate, Region, SubBand
from .tables import BEACON_SF9, DYNAMIC_CONTROLS

_RATES = {
    0: DataRate(Lora(12, 125), 59, dwell=0),
    1: DataRate(Lora(11, 125), 59, dwell=0),
    2: DataRate(Lora(10, 125), 123, dwell=19, early=59),
    3: DataRate(Lora(9, 125), 123, dwell=61),
    4: DataRate(Lora(8, 125), 250, dwell=133),
    5: DataRate(Lora(7, 125), 250),
    6: DataRate(Lora(7, 250), 250),
    7: DataRate(Fsk(50_000), 250),
}
# RX1DRoffset 6 and 7 raise the data rate.
_OFFSETS = (0, 1, 2, 3, 4, 5, -1, -2)


def _rx1(lowest: int) -> dict[int, tuple[int, ...]]:
    return {up: tuple(min(7, max(lowest, up - offset)) for offset in _OFFSETS) for up in _RATES}


def _group(number: int, offset: int) -> Region:
    return Region(
        name=f"AS923-{number}",
        revision="RP002-1.0.4",
        channels=(Channel(923_200_000 + offset, 0, 5), Channel(923_400_000 + offset, 0, 5)),
        uplink=_RATES,
        downlink=_RATES,
        rx1=_rx1(0),
        rx1_dwell=_rx1(2),
        rx2_frequency=923_200_000 + offset,
        rx2_data_rate=2,
        join_data_rates=(2, 5),
        max_eirp=16,
        tx_power_steps=7,
        sub_bands=(SubBand("G0", 915_000_000, 928_000_000, 0.01, 14),),
        adr_max_data_rate=5,
        max_channels=16,
        controls=DYNAMIC_CONTROLS,
        tx_param_setup=True,
        class_b=ClassBTable((923_400_000 + offset,), 3, BEACON_SF9, (923_400_000 + offset,), 3),
    )


AS923_1 = _group(1, 0)
AS923_2 = _group(2, -1_800_000)
AS923_3 = _group(3, -6_600_000)
AS923_4 = _group(4, -5_900_000)
