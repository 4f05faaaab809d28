"""US902-928, a fixed plan of 72 channels (RP002-1.0.4 §2.5)."""

from __future__ import annotations

from .region import Channel, ClassBTable, DataRate, Region, SubBand
from .tables import BEACON_SF12, FIXED_72_CONTROLS, LORA_500_DOWN, LR_FHSS_1523, NARROW_US, RX1_US

_DOWNLINK_CHANNELS = tuple(923_300_000 + 600_000 * n for n in range(8))

US915 = Region(
    name="US915",
    revision="RP002-1.0.4",
    channels=(
        *(Channel(902_300_000 + 200_000 * n, 0, 3) for n in range(64)),
        *(Channel(903_000_000 + 1_600_000 * n, 4, 6) for n in range(8)),
    ),
    uplink={
        **NARROW_US,
        5: DataRate(LR_FHSS_1523[0], 58),
        6: DataRate(LR_FHSS_1523[1], 133),
    },
    downlink=LORA_500_DOWN,
    rx1=RX1_US,
    downlink_channels=_DOWNLINK_CHANNELS,
    rx2_frequency=923_300_000,
    rx2_data_rate=8,
    max_eirp=30,
    tx_power_steps=14,
    sub_bands=(SubBand("G0", 902_000_000, 928_000_000, 1.0, 26),),
    adr_max_data_rate=3,
    max_channels=72,
    controls=FIXED_72_CONTROLS,
    cf_list_type=1,
    join_data_rates=(0, 4),
    class_b=ClassBTable(_DOWNLINK_CHANNELS, 8, BEACON_SF12, _DOWNLINK_CHANNELS, 8),
)
