"""AU915-928, a fixed plan of 72 channels: with a dwell time limit on uplinks (RP002-1.0.4 §2.8), and as it
was up to 1.0.2 revision A, with the data rates of US915."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.modulation import Lora

from .region import Channel, ClassBTable, DataRate, Region, SubBand
from .tables import BEACON_SF12, FIXED_72_CONTROLS, LORA_500_DOWN, LR_FHSS_1523, NARROW_US, RX1_US

_DOWNLINK_CHANNELS = tuple(923_300_000 + 600_000 * n for n in range(8))

_LATEST = Region(
    name="AU915",
    revision="RP002-1.0.4",
    channels=(
        *(Channel(915_200_000 + 200_000 * n, 0, 5) for n in range(64)),
        *(Channel(915_900_000 + 1_600_000 * n, 6, 7) for n in range(8)),
    ),
    uplink={
        0: DataRate(Lora(12, 125), 59, dwell=0),
        1: DataRate(Lora(11, 125), 59, dwell=0),
        2: DataRate(Lora(10, 125), 59, dwell=19),
        3: DataRate(Lora(9, 125), 123, dwell=61),
        4: DataRate(Lora(8, 125), 250, dwell=133),
        5: DataRate(Lora(7, 125), 250),
        6: DataRate(Lora(8, 500), 250),
        7: DataRate(LR_FHSS_1523[0], 58),
    },
    downlink=LORA_500_DOWN,
    rx1={
        0: (8, 8, 8, 8, 8, 8),
        1: (9, 8, 8, 8, 8, 8),
        2: (10, 9, 8, 8, 8, 8),
        3: (11, 10, 9, 8, 8, 8),
        4: (12, 11, 10, 9, 8, 8),
        5: (13, 12, 11, 10, 9, 8),
        6: (13, 13, 12, 11, 10, 9),
        7: (9, 8, 8, 8, 8, 8),
    },
    downlink_channels=_DOWNLINK_CHANNELS,
    rx2_frequency=923_300_000,
    rx2_data_rate=8,
    join_data_rates=(2, 6),
    max_eirp=30,
    tx_power_steps=14,
    sub_bands=(SubBand("G0", 915_000_000, 928_000_000, 1.0, 26),),
    adr_max_data_rate=5,
    max_channels=72,
    controls=FIXED_72_CONTROLS,
    cf_list_type=1,
    tx_param_setup=True,
    default_dwell=True,
    class_b=ClassBTable(_DOWNLINK_CHANNELS, 8, BEACON_SF12, _DOWNLINK_CHANNELS, 8),
)

_EARLY = replace(
    _LATEST,
    revision="1.0.2revA",
    channels=(
        *(replace(channel, max_dr=3) for channel in _LATEST.channels[:64]),
        *(replace(channel, min_dr=4, max_dr=4) for channel in _LATEST.channels[64:]),
    ),
    uplink=NARROW_US,
    rx1={up: RX1_US[up] for up in NARROW_US},
    join_data_rates=(0, 4),
    tx_power_steps=10,
    adr_max_data_rate=3,
    # A CFList came later than these devices, and so did TxParamSetupReq.
    cf_list_type=None,
    tx_param_setup=False,
    default_dwell=False,
)

AU915 = replace(_LATEST, earlier={_EARLY.revision: _EARLY})
