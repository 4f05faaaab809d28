"""KR920-923: devices and base stations listen before they talk (RP002-1.0.4 §2.10)."""

from __future__ import annotations

from .region import Channel, ClassBTable, Region, SubBand
from .tables import BEACON_SF9, DYNAMIC_CONTROLS, LORA_125, RX1_EU

KR920 = Region(
    name="KR920",
    revision="RP002-1.0.4",
    channels=(
        Channel(922_100_000, 0, 5),
        Channel(922_300_000, 0, 5),
        Channel(922_500_000, 0, 5),
    ),
    uplink=LORA_125,
    downlink=LORA_125,
    rx1={up: RX1_EU[up] for up in LORA_125},
    rx2_frequency=921_900_000,
    rx2_data_rate=0,
    max_eirp=14,
    tx_power_steps=7,
    sub_bands=(SubBand("G0", 920_900_000, 923_300_000, 1.0, 21),),
    adr_max_data_rate=5,
    max_channels=16,
    controls=DYNAMIC_CONTROLS,
    class_b=ClassBTable((923_100_000,), 3, BEACON_SF9, (923_100_000,), 3),
)
