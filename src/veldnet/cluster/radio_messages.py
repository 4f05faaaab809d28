"""Frames, downlinks and reports as nodes send them to each other: MessagePack arrays, many in a message.

A message says what time its sender had; times within it are by the sender's clock, and the receiver takes
them as by its own (`NodeClocks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Annotated, NamedTuple

import msgspec

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.gpstime import FineTime
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss, Modulation
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow

# Frames in a message.
MOST = 200

_LORA, _FSK, _LR_FHSS = 0, 1, 2
_ModulationRow = tuple[int, int, int | str]
_Station = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
_UplinkRow = tuple[
    _Station,
    bytes,
    int,
    _ModulationRow,
    float | None,
    float | None,
    int | None,
    float,
    bool,
    float | None,
    float | None,
    bytes,
    tuple[int, int] | None,
]
_WindowRow = tuple[
    _Station,
    int,
    int,
    _ModulationRow,
    float,
    float,
    int | None,
    float | None,
    float,
    str,
    float,
    bytes,
]
_DownlinkRow = tuple[int, bytes, _WindowRow, _WindowRow | None, float | None]
_ReportRow = tuple[int, _Station, str | None, bool]


class BadMessage(ValueError):
    """What another node has sent is none of its messages."""


class Forwarded(NamedTuple):
    """A frame, and how many nodes have sent it on."""

    uplink: GatewayUplink
    hops: int


# By how many seconds our clock is ahead of the sender's, of which a message was sent then.
AheadOf = Callable[[float], float]

_encode = msgspec.msgpack.Encoder().encode
_uplinks = msgspec.msgpack.Decoder(tuple[float, list[tuple[int, _UplinkRow]]])
_downlinks = msgspec.msgpack.Decoder(tuple[float, list[_DownlinkRow]])
_reports = msgspec.msgpack.Decoder(list[_ReportRow])


def encode_uplinks(sent_at: float, frames: Iterable[Forwarded]) -> bytes:
    return _encode((sent_at, [(hops, _uplink_row(uplink)) for uplink, hops in frames]))


def decode_uplinks(message: bytes, ahead_of: AheadOf) -> list[Forwarded]:
    """Raises `BadMessage`."""
    try:
        sent_at, rows = _uplinks.decode(message)
        ahead = ahead_of(sent_at)
        return [Forwarded(_uplink(row, ahead), hops) for hops, row in rows]
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise BadMessage(str(error)) from None


def encode_downlinks(sent_at: float, frames: Iterable[GatewayDownlink]) -> bytes:
    now = perf_counter()
    return _encode((sent_at, [_downlink_row(frame, now) for frame in frames]))


def decode_downlinks(message: bytes, ahead_of: AheadOf) -> list[GatewayDownlink]:
    """Raises `BadMessage`."""
    try:
        sent_at, rows = _downlinks.decode(message)
        ahead, now = ahead_of(sent_at), perf_counter()
        return [_downlink(row, ahead, now) for row in rows]
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise BadMessage(str(error)) from None


def encode_reports(reports: Sequence[TransmitReport]) -> bytes:
    return _encode([(each.token, int(each.base_station), each.error, each.second) for each in reports])


def decode_reports(message: bytes) -> list[TransmitReport]:
    """Raises `BadMessage`."""
    try:
        return [
            TransmitReport(token, BaseStationId(station), error, second)
            for token, station, error, second in _reports.decode(message)
        ]
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise BadMessage(str(error)) from None


def _modulation_row(modulation: Modulation) -> _ModulationRow:
    if isinstance(modulation, Lora):
        return _LORA, modulation.sf, modulation.bandwidth
    if isinstance(modulation, Fsk):
        return _FSK, modulation.bitrate, 0
    return _LR_FHSS, modulation.bandwidth, modulation.coding_rate


def _modulation(row: _ModulationRow) -> Modulation:
    kind, first, second = row
    if kind == _LORA and isinstance(second, int) and 5 <= first <= 12 and second > 0:
        return Lora(first, second)
    if kind == _FSK and first > 0:
        return Fsk(first)
    if kind == _LR_FHSS and isinstance(second, str):
        return LrFhss(first, second)
    raise BadMessage(f"{row} is no modulation")


def _uplink_row(uplink: GatewayUplink) -> _UplinkRow:
    return (
        int(uplink.base_station),
        uplink.phy_payload,
        uplink.frequency,
        _modulation_row(uplink.modulation),
        uplink.rssi,
        uplink.snr,
        uplink.timestamp,
        uplink.received_at,
        uplink.late,
        uplink.gps_time,
        uplink.clock_error,
        uplink.context,
        uplink.fine_time,
    )


def _uplink(row: _UplinkRow, ahead: float) -> GatewayUplink:
    (
        station,
        phy,
        frequency,
        modulation,
        rssi,
        snr,
        timestamp,
        received_at,
        late,
        gps,
        error,
        context,
        fine,
    ) = row
    return GatewayUplink(
        BaseStationId(station),
        phy,
        frequency,
        _modulation(modulation),
        rssi,
        snr,
        timestamp,
        received_at + ahead,
        late,
        gps,
        error,
        context,
        None if fine is None else FineTime(*fine),
    )


def _window_row(window: TransmitWindow) -> _WindowRow:
    return (
        int(window.base_station),
        window.slot,
        window.frequency,
        _modulation_row(window.modulation),
        window.opens_at,
        window.power,
        window.timestamp,
        window.gps_time,
        window.margin,
        window.region,
        window.antenna_gain,
        window.context,
    )


def _window(row: _WindowRow, ahead: float) -> TransmitWindow:
    station, slot, frequency, modulation, opens_at, power, timestamp, gps, margin, region, gain, context = row
    return TransmitWindow(
        BaseStationId(station),
        slot,
        frequency,
        _modulation(modulation),
        opens_at + ahead,
        power,
        timestamp,
        gps,
        margin,
        region,
        gain,
        context,
    )


def _downlink_row(frame: GatewayDownlink, now: float) -> _DownlinkRow:
    return (
        frame.token,
        frame.phy_payload,
        _window_row(frame.window),
        None if frame.second is None else _window_row(frame.second),
        None if frame.decided is None else now - frame.decided,
    )


def _downlink(row: _DownlinkRow, ahead: float, now: float) -> GatewayDownlink:
    token, phy, window, second, age = row
    return GatewayDownlink(
        token,
        phy,
        _window(window, ahead),
        None if second is None else _window(second, ahead),
        None if age is None else now - age,
    )
