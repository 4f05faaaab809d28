"""Pieces that several regions' tables are made of."""

from __future__ import annotations

from veldnet.lorawan.modulation import Fsk, Lora, LrFhss

from .region import Control, DataRate

# Data rates 0 to 7 of EU868 and of the regions modelled on it.
LORA_125 = {
    0: DataRate(Lora(12, 125), 59),
    1: DataRate(Lora(11, 125), 59),
    2: DataRate(Lora(10, 125), 59),
    3: DataRate(Lora(9, 125), 123),
    4: DataRate(Lora(8, 125), 250),
    5: DataRate(Lora(7, 125), 250),
}
LORA_250_AND_FSK = {6: DataRate(Lora(7, 250), 250), 7: DataRate(Fsk(50_000), 250)}

# Uplinks of US915 but for LR-FHSS, and of AU915 at first.
NARROW_US = {
    0: DataRate(Lora(10, 125), 19),
    1: DataRate(Lora(9, 125), 61),
    2: DataRate(Lora(8, 125), 133),
    3: DataRate(Lora(7, 125), 250),
    4: DataRate(Lora(8, 500), 250),
}
# Uplink data rate (row) and RX1DRoffset (column) of US915.
RX1_US: dict[int, tuple[int, ...]] = {
    0: (10, 9, 8, 8),
    1: (11, 10, 9, 8),
    2: (12, 11, 10, 9),
    3: (13, 12, 11, 10),
    4: (13, 13, 12, 11),
    5: (10, 9, 8, 8),
    6: (11, 10, 9, 8),
}

# Downlinks of US915 and AU915. Behind a repeater 20 octets less, up to RP002-1.0.1.
LORA_500_DOWN = {
    8: DataRate(Lora(12, 500), 61, repeater=41),
    9: DataRate(Lora(11, 500), 137, repeater=117),
    10: DataRate(Lora(10, 500), 250),
    11: DataRate(Lora(9, 500), 250),
    12: DataRate(Lora(8, 500), 250),
    13: DataRate(Lora(7, 500), 250),
}
LR_FHSS_1523 = (LrFhss(1523, "1/3"), LrFhss(1523, "2/3"))

# Uplink data rate (row) and RX1DRoffset (column) of EU868, DR0 to DR7.
RX1_EU: dict[int, tuple[int, ...]] = {
    0: (0, 0, 0, 0, 0, 0),
    1: (1, 0, 0, 0, 0, 0),
    2: (2, 1, 0, 0, 0, 0),
    3: (3, 2, 1, 0, 0, 0),
    4: (4, 3, 2, 1, 0, 0),
    5: (5, 4, 3, 2, 1, 0),
    6: (6, 5, 4, 3, 2, 1),
    7: (7, 6, 5, 4, 3, 2),
}

DYNAMIC_CONTROLS = {0: Control.PAGE, 6: Control.ALL}
# 64 channels of 125 kHz and eight of 500 kHz.
FIXED_72_CONTROLS = {
    **dict.fromkeys(range(5), Control.PAGE),
    5: Control.BANKS,
    6: Control.NARROW_ON,
    7: Control.NARROW_OFF,
}

# (octets before Time, octets between the CRCs, all octets) of the beacon at SF8, SF9, SF10 and SF12.
BEACON_SF8 = (1, 10, 19)
BEACON_SF9 = (2, 7, 17)
BEACON_SF10 = (3, 8, 19)
BEACON_SF12 = (5, 10, 23)
