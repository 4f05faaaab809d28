"""RU864-870 (RP002-1.0.4 §2.12)."""

from __future__ import annotations

from .region import Channel, ClassBTable, Region, SubBand
from .tables import BEACON_SF9, DYNAMIC_CONTROLS, LORA_125, LORA_250_AND_FSK, RX1_EU

_RATES = {**LORA_125, **LORA_250_AND_FSK}

RU864 = Region(
    name="RU864",
    revision="RP002-1.0.4",
    channels=(Channel(868_900_000, 0, 5), Channel(869_100_000, 0, 5)),
    uplink=_RATES,
    downlink=_RATES,
    rx1=RX1_EU,
    rx2_frequency=869_100_000,
    rx2_data_rate=0,
    max_eirp=16,
    tx_power_steps=7,
    sub_bands=(
        SubBand("G0", 864_000_000, 865_000_000, 0.001, 14),
        SubBand("G1", 866_000_000, 868_000_000, 0.01, 14),
        SubBand("G2", 868_700_000, 869_200_000, 0.01, 14),
    ),
    adr_max_data_rate=5,
    max_channels=16,
    controls=DYNAMIC_CONTROLS,
    class_b=ClassBTable((869_100_000,), 3, BEACON_SF9, (868_900_000,), 3),
)
