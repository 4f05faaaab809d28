"""EU863-870 (RP002-1.0.4 §2.4, data rates 12 and 13 from RP002-1.0.5; ETSI EN 300 220)."""

from __future__ import annotations

from veldnet.lorawan.modulation import Lora, LrFhss

from .region import Channel, ClassBTable, DataRate, Region, SubBand
from .tables import BEACON_SF9, DYNAMIC_CONTROLS, LORA_125, LORA_250_AND_FSK, RX1_EU

_LORA_FAST = {12: DataRate(Lora(6, 125), 250), 13: DataRate(Lora(5, 125), 250)}

EU868 = Region(
    name="EU868",
    revision="RP002-1.0.5",
    channels=(
        Channel(868_100_000, 0, 5),
        Channel(868_300_000, 0, 5),
        Channel(868_500_000, 0, 5),
    ),
    uplink={
        **LORA_125,
        **LORA_250_AND_FSK,
        8: DataRate(LrFhss(137, "1/3"), 58),
        9: DataRate(LrFhss(137, "2/3"), 123),
        10: DataRate(LrFhss(336, "1/3"), 58),
        11: DataRate(LrFhss(336, "2/3"), 123),
        **_LORA_FAST,
    },
    downlink={**LORA_125, **LORA_250_AND_FSK, **_LORA_FAST},
    rx1={
        **RX1_EU,
        8: (1, 0, 0, 0, 0, 0),
        9: (2, 1, 0, 0, 0, 0),
        10: (1, 0, 0, 0, 0, 0),
        11: (2, 1, 0, 0, 0, 0),
        12: (12, 5, 4, 3, 2, 1),
        13: (13, 12, 5, 4, 3, 2),
    },
    rx2_frequency=869_525_000,
    rx2_data_rate=0,
    max_eirp=16,
    tx_power_steps=7,
    # Names as ThingPark's messages print them.
    sub_bands=(
        SubBand("G0", 865_000_000, 868_000_000, 0.01, 14),
        SubBand("G1", 868_000_000, 868_600_000, 0.01, 14),
        SubBand("G2", 868_700_000, 869_200_000, 0.001, 14),
        SubBand("G3", 869_400_000, 869_650_000, 0.1, 27),
        SubBand("G4", 869_700_000, 870_000_000, 0.01, 14),
        SubBand("K", 863_000_000, 865_000_000, 0.001, 14),
    ),
    adr_max_data_rate=5,
    max_channels=16,
    controls=DYNAMIC_CONTROLS,
    class_b=ClassBTable((869_525_000,), 3, BEACON_SF9, (869_525_000,), 3),
)
