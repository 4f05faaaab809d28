"""Base stations that can reach a device: how well they heard it, remembered for when it does not speak."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import msgspec

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import SNR_FLOOR, Lora, Modulation
from veldnet.lorawan.radio import GatewayUplink

# So many base stations are remembered of an uplink.
REMEMBERED = 4
_SAMPLE = struct.Struct("<IbB")
_GPS = 0x01
_UNKNOWN = -128
# Demodulation floor taken for modulations without a spreading factor, in dB.
_OTHER_FLOOR = 6.0


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A base station that heard the device with `snr` dB, None where it did not say; `gps`: whether it
    knows GPS time."""

    base_station: BaseStationId
    snr: float | None
    gps: bool


def remember(copies: Iterable[GatewayUplink]) -> bytes:
    """The best base stations of an uplink, packed; copies come best first."""
    heard = [copy for copy in copies if not copy.late][:REMEMBERED]
    return b"".join(
        _SAMPLE.pack(
            copy.base_station,
            _UNKNOWN if copy.snr is None else max(_UNKNOWN + 1, min(127, round(copy.snr))),
            _GPS if copy.gps_time is not None else 0,
        )
        for copy in heard
    )


def recall(heard_by: bytes) -> list[Candidate]:
    """The base stations that heard the last uplink, best first."""
    return [
        Candidate(BaseStationId(station), None if snr == _UNKNOWN else snr, bool(flags & _GPS))
        for station, snr, flags in _SAMPLE.iter_unpack(heard_by)
    ]


def floor(modulation: Modulation) -> float:
    """Lowest SNR in dB at which a modulation is received."""
    return SNR_FLOOR[modulation.sf] if isinstance(modulation, Lora) else _OTHER_FLOOR


def margin(snr: float | None, device_eirp: float, power: float, modulation: Modulation) -> float:
    """Decibels that a downlink at `power` dBm EIRP has to spare, the air being the same both ways. An uplink
    whose SNR is not known was just received."""
    least = floor(modulation)
    return (least if snr is None else snr) + power - device_eirp - least
