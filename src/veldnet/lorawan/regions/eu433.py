"""EU433 (RP002-1.0.4 §2.7)."""

from __future__ import annotations

from .region import Channel, ClassBTable, Region, SubBand
from .tables import BEACON_SF9, DYNAMIC_CONTROLS, LORA_125, LORA_250_AND_FSK, RX1_EU

_RATES = {**LORA_125, **LORA_250_AND_FSK}

EU433 = Region(
    name="EU433",
    revision="RP002-1.0.4",
    channels=(
        Channel(433_175_000, 0, 5),
        Channel(433_375_000, 0, 5),
        Channel(433_575_000, 0, 5),
    ),
    uplink=_RATES,
    downlink=_RATES,
    rx1=RX1_EU,
    rx2_frequency=434_665_000,
    rx2_data_rate=0,
    max_eirp=12.15,
    tx_power_steps=5,
    sub_bands=(SubBand("G0", 433_050_000, 434_790_000, 0.1, 10),),
    adr_max_data_rate=5,
    max_channels=16,
    controls=DYNAMIC_CONTROLS,
    class_b=ClassBTable((434_665_000,), 3, BEACON_SF9, (434_665_000,), 3),
)
