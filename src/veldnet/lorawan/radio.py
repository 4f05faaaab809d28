"""A frame with its radio metadata, as it passes between base stations and the network server."""

from __future__ import annotations

import msgspec

from .gpstime import FineTime
from .identifiers import BaseStationId
from .modulation import Modulation


class GatewayUplink(msgspec.Struct, frozen=True, gc=False):
    """One base station's copy of a frame from the air.

    `frequency` in Hz, `rssi` in dBm, `snr` in dB, `received_at` in Unix seconds by the server's clock.
    `rssi` and `snr` are None where the base station did not say them. `timestamp` is its own counter in
    microseconds at the end of the frame, 32 bits; a downlink in answer is timed by it, and without it there
    can be none. `late` marks a copy that the base station queued while its
    backhaul was down: it can no longer be answered. `gps_time` is the end of the frame in GPS seconds where
    the base station has a GPS clock; such a base station can also transmit at a GPS time. `clock_error` is
    how many seconds that clock is ahead of ours where it is wrong. `fine_time` is the moment to the
    nanosecond, from base stations that can tell. `context` is the protocol's own, and comes
    back with a downlink in answer.
    """

    base_station: BaseStationId
    phy_payload: bytes
    frequency: int
    modulation: Modulation
    rssi: float | None
    snr: float | None
    timestamp: int | None
    received_at: float
    late: bool = False
    gps_time: float | None = None
    clock_error: float | None = None
    context: bytes = b""
    fine_time: FineTime | None = None

    @property
    def answerable(self) -> bool:
        """Whether a downlink can be timed by this copy."""
        return not self.late and self.timestamp is not None


class TransmitWindow(msgspec.Struct, frozen=True, gc=False):
    """Where and when a base station may transmit. `slot` is ThingPark's: 1 RX1, 2 RX2, 3 ping slot.

    `opens_at` is the moment in Unix seconds by the server's clock, `power` in dBm EIRP, of which the base
    station's antenna gives `antenna_gain` (dBi). The base station is told `timestamp` (its own microseconds)
    or `gps_time` (GPS seconds); with neither it transmits at once.
    """

    base_station: BaseStationId
    slot: int
    frequency: int
    modulation: Modulation
    opens_at: float
    power: float
    timestamp: int | None = None
    gps_time: float | None = None
    # Expected link margin in dB, to choose among base stations.
    margin: float = 0.0
    # The region by whose rules the base station transmits; bands of several may overlap.
    region: str = ""
    antenna_gain: float = 2.0
    # That of the uplink which it answers.
    context: bytes = b""

    @property
    def immediate(self) -> bool:
        """Whether it may be sent whenever the base station is free (class C)."""
        return self.timestamp is None and self.gps_time is None


class GatewayDownlink(msgspec.Struct, frozen=True, gc=False):
    """A frame for one base station to transmit in `window`. `token` names it in the base station's answer.
    `second` is RX2 after an RX1, which the base station takes where it cannot use the first. `decided`
    is when the commit that decided on it was durable, in seconds of `perf_counter`; None where it did not
    follow at once."""

    token: int
    phy_payload: bytes
    window: TransmitWindow
    second: TransmitWindow | None = None
    decided: float | None = None

    @property
    def base_station(self) -> BaseStationId:
        return self.window.base_station


class TransmitReport(msgspec.Struct, frozen=True, gc=False):
    """What the base station says of a GatewayDownlink: `error` is None when it has queued the frame, `second`
    is whether it took the second of two windows."""

    token: int
    base_station: BaseStationId
    error: str | None
    second: bool = False


COUNTER_MODULUS = 1 << 32
