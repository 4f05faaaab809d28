"""CN470-510: the plan up to RP 1.0.3 with 96 channels, and the two 26 MHz antenna plans of RP002.

The 20 MHz plans are not here: their RX2 depends on the channel of the join (RP002-1.0.4 §2.9).
"""

from __future__ import annotations

from veldnet.lorawan.modulation import Fsk, Lora

from .region import Channel, ClassBTable, Control, DataRate, Region, SubBand
from .tables import BEACON_SF10, LORA_125, RX1_EU

_BAND = (SubBand("G0", 470_000_000, 510_000_000, 1.0, 17),)
_DOWN_96 = tuple(500_300_000 + 200_000 * n for n in range(48))

CN470 = Region(
    name="CN470",
    revision="1.0.3revA",
    channels=tuple(Channel(470_300_000 + 200_000 * n, 0, 5) for n in range(96)),
    uplink=LORA_125,
    downlink=LORA_125,
    rx1={up: RX1_EU[up] for up in LORA_125},
    downlink_channels=_DOWN_96,
    rx2_frequency=505_300_000,
    rx2_data_rate=0,
    max_eirp=19.15,
    tx_power_steps=7,
    sub_bands=_BAND,
    adr_max_data_rate=5,
    max_channels=96,
    controls={**dict.fromkeys(range(6), Control.PAGE), 6: Control.ALL},
    cf_list_type=1,
    class_b=ClassBTable(
        tuple(508_300_000 + 200_000 * n for n in range(8)),
        2,
        BEACON_SF10,
        tuple(508_300_000 + 200_000 * n for n in range(8)),
        2,
    ),
)

# One second of dwell time, so that SF12 is not used.
_RATES = {
    1: DataRate(Lora(11, 125), 31),
    2: DataRate(Lora(10, 125), 94),
    3: DataRate(Lora(9, 125), 192),
    4: DataRate(Lora(8, 125), 250),
    5: DataRate(Lora(7, 125), 250),
    6: DataRate(Lora(7, 500), 250),
    7: DataRate(Fsk(50_000), 250),
}


def _plan_26(letter: str, uplink: int, downlink: int, rx2: int, beacon: int) -> Region:
    return Region(
        name=f"CN470-26{letter}",
        revision="RP002-1.0.4",
        channels=tuple(Channel(uplink + 200_000 * n, 1, 5) for n in range(48)),
        uplink=_RATES,
        downlink=_RATES,
        rx1={up: tuple(max(1, rate) for rate in RX1_EU[up]) for up in _RATES},
        downlink_channels=tuple(downlink + 200_000 * n for n in range(24)),
        rx2_frequency=rx2,
        rx2_data_rate=1,
        join_data_rates=(1, 5),
        max_eirp=19.15,
        tx_power_steps=7,
        sub_bands=_BAND,
        adr_max_data_rate=5,
        max_channels=48,
        controls={**dict.fromkeys(range(3), Control.PAGE), 3: Control.ALL, 4: Control.NONE},
        cf_list_type=1,
        class_b=ClassBTable((beacon,), 2, BEACON_SF10, (beacon,), 2),
    )


CN470_26A = _plan_26("A", 470_300_000, 490_100_000, 492_500_000, 494_900_000)
CN470_26B = _plan_26("B", 480_300_000, 500_100_000, 502_500_000, 504_900_000)
