"""EU863-870 (RP002-1.0.4 §2.4; duty cycles of ETSI EN 300 220)."""

from __future__ import annotations

from veldnet.lorawan.modulation import Fsk, Lora, LrFhss

from .region import Channel, Region, SubBand

EU868 = Region(
    name="EU868",
    default_channels=(
        Channel(868_100_000, 0, 5),
        Channel(868_300_000, 0, 5),
        Channel(868_500_000, 0, 5),
    ),
    data_rates={
        0: Lora(12, 125),
        1: Lora(11, 125),
        2: Lora(10, 125),
        3: Lora(9, 125),
        4: Lora(8, 125),
        5: Lora(7, 125),
        6: Lora(7, 250),
        7: Fsk(50_000),
        8: LrFhss(137, "1/3"),
        9: LrFhss(137, "2/3"),
        10: LrFhss(336, "1/3"),
        11: LrFhss(336, "2/3"),
        12: Lora(6, 125),
        13: Lora(5, 125),
    },
    uplink_only=frozenset({8, 9, 10, 11}),
    max_mac_payload={
        0: 59,
        1: 59,
        2: 59,
        3: 123,
        4: 250,
        5: 250,
        6: 250,
        7: 250,
        8: 58,
        9: 123,
        10: 58,
        11: 123,
        12: 250,
        13: 250,
    },
    rx1_data_rates={
        0: (0, 0, 0, 0, 0, 0),
        1: (1, 0, 0, 0, 0, 0),
        2: (2, 1, 0, 0, 0, 0),
        3: (3, 2, 1, 0, 0, 0),
        4: (4, 3, 2, 1, 0, 0),
        5: (5, 4, 3, 2, 1, 0),
        6: (6, 5, 4, 3, 2, 1),
        7: (7, 6, 5, 4, 3, 2),
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
)
