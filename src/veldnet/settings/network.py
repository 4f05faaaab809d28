"""Settings of the network server."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Duration, about


class NetworkSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The network server."""

    net_id: Annotated[str, about("NetID, six hexadecimal digits.", pattern="^[0-9A-Fa-f]{6}$")] = "000000"
    lrc_id: Annotated[
        str, about("Identifier of this network server in messages.", pattern="^[0-9A-Fa-f]{8}$")
    ] = "00000001"
    region: Annotated[str, about("Region of the network.")] = "EU868"
    more_regions: Annotated[
        tuple[str, ...], about("Additional regions; a device uses the region of its device profile.")
    ] = ()
    extra_channels: Annotated[
        tuple[int | str, ...],
        about(
            "Channels in addition to the defaults of regions with dynamic channel plans, in Hz; REGION=HZ "
            "if several regions contain the frequency. The first five of a region are sent in join-accepts."
        ),
    ] = (
        "EU868=867100000",
        "EU868=867300000",
        "EU868=867500000",
        "EU868=867700000",
        "EU868=867900000",
    )
    sub_bands: Annotated[
        tuple[int, ...],
        about("Sub-bands used in regions with a fixed plan (US915, AU915, CN470), 1 for channels 0 to 7."),
    ] = ()
    rx1_frequencies: Annotated[
        tuple[str, ...],
        about("Other RX1 frequencies, as UPLINK=DOWNLINK in Hz; sent to devices with DlChannelReq."),
    ] = ()
    rx1_delay: Annotated[int, about("Seconds between an uplink and RX1.", ge=1, le=15)] = 1
    rx2_data_rate: Annotated[
        int,
        about(
            "Data rate of RX2 in `region` unless set in the profile; -1 uses the default of the region.",
            ge=-1,
            le=15,
        ),
    ] = -1
    uplink_dwell: Annotated[
        Literal["region", "on", "off"],
        about("Dwell time limit of 400 ms for uplinks, in AS923 and AU915."),
    ] = "region"
    downlink_dwell: Annotated[
        Literal["region", "on", "off"],
        about("Dwell time limit of 400 ms for downlinks, in AS923 and AU915."),
    ] = "region"
    repeater: Annotated[bool, about("Limit payload sizes for operation with repeaters.")] = False
    duty_cycle: Annotated[bool, about("Enforce the duty cycles of sub-bands at base stations.")] = True
    adr_ack_limit_exp: Annotated[int, about("ADR_ACK_LIMIT of 1.1 devices is 2 to this.", ge=0, le=15)] = 6
    adr_ack_delay_exp: Annotated[int, about("ADR_ACK_DELAY of 1.1 devices is 2 to this.", ge=0, le=15)] = 5
    rejoin_time_exp: Annotated[
        int,
        about(
            "1.1 devices rejoin at least every 2^(this + 10) seconds; -1 lets the device decide.",
            ge=-1,
            le=15,
        ),
    ] = -1
    rejoin_count_exp: Annotated[
        int,
        about("1.1 devices rejoin at least every 2^(this + 4) uplinks; needs rejoin_time_exp.", ge=0, le=15),
    ] = 15
    deduplication_window: Annotated[
        Duration, about("How long copies of a frame are collected; must be well below the RX1 delay.")
    ] = Duration(0.2)
    unknown_device_limit: Annotated[
        int,
        about(
            "Maximum frames of devices without a session, including join-requests, per base station and "
            "deduplication window. A real gateway cannot receive more, so the excess is treated as forged; "
            "raise it for load tests.",
            ge=1,
            le=100_000,
        ),
    ] = 8
    mean_per: Annotated[
        Literal["window50", "ewma"],
        about("MeanPER over a window of 50 frames (ThingPark 7.3) or exponentially smoothed (7.2)."),
    ] = "window50"
    adr_margin: Annotated[float, about("Installation margin of ADR v2 in dB.", ge=0, le=30)] = 10.0
    device_capacity: Annotated[int, about("Maximum number of devices kept in memory.", ge=100)] = 200_000
    commit_interval: Annotated[Duration, about("Maximum delay of a group commit.")] = Duration(0.010)
    commit_size: Annotated[int, about("Number of records that triggers a group commit.", ge=1)] = 500
