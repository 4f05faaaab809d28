"""CN779-787 (RP002-1.0.4 §2.6)."""

from __future__ import annotations

from .region import Channel, ClassBTable, Region, SubBand
from .tables import BEACON_SF9, DYNAMIC_CONTROLS, LORA_125, LORA_250_AND_FSK, RX1_EU

_RATES = {**LORA_125, **LORA_250_AND_FSK}

CN779 = Region(
    name="CN779",
    revision="RP002-1.0.4",
    channels=(
        Channel(779_500_000, 0, 5),
        Channel(779_700_000, 0, 5),
        Channel(779_900_000, 0, 5),
    ),
    uplink=_RATES,
    downlink=_RATES,
    rx1=RX1_EU,
    rx2_frequency=786_000_000,
    rx2_data_rate=0,
    max_eirp=12.15,
    tx_power_steps=5,
    sub_bands=(SubBand("G0", 779_000_000, 787_000_000, 0.01, 10),),
    adr_max_data_rate=5,
    max_channels=16,
    controls=DYNAMIC_CONTROLS,
    class_b=ClassBTable((785_000_000,), 3, BEACON_SF9, (785_000_000,), 3),
)
