"""A frame with its radio metadata, as it passes between base stations and the network server."""

from __future__ import annotations

import msgspec

from .identifiers import BaseStationId
from .modulation import Modulation


class GatewayUplink(msgspec.Struct, frozen=True, gc=False):
    """One base station's copy of a frame from the air.

    `frequency` in Hz, `rssi` in dBm, `snr` in dB, `received_at` in Unix seconds by the server's clock.
    `timestamp` is the base station's own counter in microseconds at the end of the frame, 32 bits; a
    downlink in answer is timed by it. `late` marks a copy that the base station queued while its
    backhaul was down: it can no longer be answered.
    """

    base_station: BaseStationId
    phy_payload: bytes
    frequency: int
    modulation: Modulation
    rssi: float
    snr: float
    timestamp: int
    received_at: float
    late: bool = False


class TransmitWindow(msgspec.Struct, frozen=True, gc=False):
    """Where and when to transmit: RX1 or RX2. `timestamp` in the base station's microseconds, `opens_at`
    the same moment in Unix seconds, `power` in dBm EIRP."""

    slot: int
    frequency: int
    modulation: Modulation
    timestamp: int
    opens_at: float
    power: int


class GatewayDownlink(msgspec.Struct, frozen=True, gc=False):
    """A frame for one base station to transmit in `window`. `token` names it in the base station's answer."""

    token: int
    base_station: BaseStationId
    phy_payload: bytes
    window: TransmitWindow


class TransmitReport(msgspec.Struct, frozen=True, gc=False):
    """What the base station says of a GatewayDownlink: `error` is None when it has queued the frame."""

    token: int
    base_station: BaseStationId
    error: str | None


COUNTER_MODULUS = 1 << 32
