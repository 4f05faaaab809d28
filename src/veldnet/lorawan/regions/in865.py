"""IN865-867 (RP002-1.0.4 §2.11)."""

from __future__ import annotations

from veldnet.lorawan.modulation import Fsk

from .region import Channel, ClassBTable, DataRate, Region, SubBand
from .tables import BEACON_SF8, DYNAMIC_CONTROLS, LORA_125

# DR6 is reserved here.
_RATES = {**LORA_125, 7: DataRate(Fsk(50_000), 250)}

IN865 = Region(
    name="IN865",
    revision="RP002-1.0.4",
    channels=(
        Channel(865_062_500, 0, 5),
        Channel(865_402_500, 0, 5),
        Channel(865_985_000, 0, 5),
    ),
    uplink=_RATES,
    downlink=_RATES,
    # RX1DRoffset 6 and 7 raise the data rate, no further than SF7.
    rx1={
        0: (0, 0, 0, 0, 0, 0, 1, 2),
        1: (1, 0, 0, 0, 0, 0, 2, 3),
        2: (2, 1, 0, 0, 0, 0, 3, 4),
        3: (3, 2, 1, 0, 0, 0, 4, 5),
        4: (4, 3, 2, 1, 0, 0, 5, 5),
        5: (5, 4, 3, 2, 1, 0, 5, 5),
        7: (7, 5, 5, 4, 3, 2, 7, 7),
    },
    rx2_frequency=866_550_000,
    rx2_data_rate=2,
    max_eirp=30,
    tx_power_steps=10,
    sub_bands=(SubBand("G0", 865_000_000, 867_000_000, 1.0, 27),),
    adr_max_data_rate=5,
    max_channels=16,
    controls=DYNAMIC_CONTROLS,
    class_b=ClassBTable((866_550_000,), 4, BEACON_SF8, (866_550_000,), 4),
)
