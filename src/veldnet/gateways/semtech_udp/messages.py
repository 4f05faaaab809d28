"""The Semtech UDP packet forwarder protocol, sans-IO: datagrams to messages and back (versions 1 and 2)."""

from __future__ import annotations

import base64
import binascii
import math
import re
from enum import IntEnum
from functools import lru_cache
from typing import Any

import msgspec

from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss, Modulation
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink

MAX_PHY_PAYLOAD = 255
# Seconds between a base station\'s GPS time and ours, at most.
_PLAUSIBLE = 60.0
# A frame that was kept is at least and at most so many seconds old.
_LATE, _LATEST = 60.0, 86_400.0


class Identifier(IntEnum):
    PUSH_DATA = 0x00
    PUSH_ACK = 0x01
    PULL_DATA = 0x02
    PULL_RESP = 0x03
    PULL_ACK = 0x04
    TX_ACK = 0x05


class DatagramError(ValueError):
    """The datagram breaks the protocol; `code` is a stable word for counters."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Header(msgspec.Struct, frozen=True, gc=False):
    """What every datagram of a base station begins with."""

    version: int
    token: bytes
    identifier: int
    gateway: GatewayEui

    def acknowledgement(self) -> bytes:
        """PUSH_ACK or PULL_ACK, in the version of the request."""
        return bytes((self.version,)) + self.token + bytes((_ACK_OF[self.identifier],))


_ACK_OF: dict[int, int] = {
    Identifier.PUSH_DATA: Identifier.PUSH_ACK,
    Identifier.PULL_DATA: Identifier.PULL_ACK,
}
_UPWARD = frozenset({Identifier.PUSH_DATA, Identifier.PULL_DATA, Identifier.TX_ACK})


def parse_header(datagram: bytes) -> Header:
    """Read the twelve octets before the JSON. Raises `DatagramError`."""
    if len(datagram) < 12:
        raise DatagramError("short_datagram", f"{len(datagram)} octets are too few")
    if datagram[0] not in (1, 2):
        raise DatagramError("unknown_version", f"protocol version {datagram[0]} is unknown")
    if datagram[3] not in _UPWARD:
        raise DatagramError("unknown_identifier", f"identifier {datagram[3]} is not sent by base stations")
    return Header(datagram[0], datagram[1:3], datagram[3], GatewayEui(int.from_bytes(datagram[4:12], "big")))


class Signal(msgspec.Struct, gc=False):
    """One antenna of `rsig`, which newer base stations send in place of rssi and lsnr."""

    rssic: float | None = None
    rssis: float | None = None
    lsnr: float | None = None


class ReceivedPacket(msgspec.Struct, gc=False):
    """`rxpk`: a frame from the air. `freq` in MHz, `tmst` in microseconds."""

    data: str
    freq: float
    datr: str | float
    tmst: int | None = None
    tmms: float | None = None
    stat: int = 1
    modu: str = "LORA"
    rssi: float | None = None
    lsnr: float | None = None
    size: int | None = None
    codr: str | None = None
    rsig: list[Signal] | None = None


class Status(msgspec.Struct, gc=False):
    """`stat`: counters since the last one, and the position."""

    time: str | None = None
    lati: float | None = None
    long: float | None = None
    alti: float | None = None
    rxnb: float = 0
    rxok: float = 0
    rxfw: float = 0
    ackr: float | None = None
    dwnb: float = 0
    txnb: float = 0


class PushData(msgspec.Struct, gc=False):
    # Each packet is read on its own, so that a bad one does not take the others along.
    rxpk: list[msgspec.Raw] = []
    stat: Status | None = None


class _TxAckBody(msgspec.Struct, gc=False):
    error: str = "NONE"
    warn: str | None = None


class _TxAck(msgspec.Struct, gc=False):
    txpk_ack: _TxAckBody = msgspec.field(default_factory=_TxAckBody)


_push_decoder = msgspec.json.Decoder(PushData)
_packet_decoder = msgspec.json.Decoder(ReceivedPacket)
_ack_decoder = msgspec.json.Decoder(_TxAck)


def parse_push_data(datagram: bytes) -> PushData:
    """The JSON of a PUSH_DATA. Raises `DatagramError`."""
    try:
        return _push_decoder.decode(memoryview(datagram)[12:])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DatagramError("bad_json", f"PUSH_DATA does not hold the JSON it should: {error}") from None


_DATA = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/]{8})')
_STATUS = re.compile(rb'"stat"\s*:\s*\{')


def head_of_only_frame(datagram: bytes) -> bytes | None:
    """The first six octets of the frame in a PUSH_DATA that holds one frame and no status, without reading
    the rest; None where it holds something else, or cannot be told so easily."""
    if datagram.count(b'"data"', 12) != 1:
        return None
    found = _DATA.search(datagram, 12)
    if found is None or _STATUS.search(datagram, 12) is not None:
        return None
    return binascii.a2b_base64(found[1])


def parse_tx_ack(datagram: bytes) -> str | None:
    """The error of a TX_ACK, None for success: an empty body, an empty object, or NONE."""
    body = datagram[12:].strip(b" \t\r\n\x00")
    if not body:
        return None
    try:
        error = _ack_decoder.decode(body).txpk_ack.error
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise DatagramError("bad_json", f"TX_ACK does not hold the JSON it should: {problem}") from None
    return None if error in ("NONE", "") else error


_DATR = re.compile(r"SF(\d{1,2})BW(\d{2,3})")
_LR_FHSS = re.compile(r"M0CW(\d{2,4})")


@lru_cache(maxsize=512)
def _modulation(modu: str, datr: str | float, codr: str | None) -> Modulation:
    if modu == "LORA" and isinstance(datr, str) and (found := _DATR.fullmatch(datr)):
        return Lora(int(found[1]), int(found[2]))
    if modu == "FSK" and isinstance(datr, int | float) and datr > 0:
        return Fsk(int(datr))
    if modu == "LR-FHSS" and isinstance(datr, str) and (found := _LR_FHSS.fullmatch(datr)):
        return LrFhss(int(found[1]), "2/3" if codr == "4/6" else "1/3")
    raise DatagramError("bad_data_rate", f"modulation {modu} does not go with data rate {datr!r}")


def _payload(text: str) -> bytes:
    """Base64 as forwarders write it: standard or URL-safe alphabet, with or without padding."""
    try:
        return base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise DatagramError("bad_base64", "data is not base64") from None


_URL_SAFE = str.maketrans("-_", "+/")


def uplink_of(
    raw: bytes | msgspec.Raw, base_station: BaseStationId, received_at: float
) -> GatewayUplink | None:
    """A `GatewayUplink` of an rxpk; None for a frame whose CRC failed. Raises `DatagramError`."""
    try:
        packet = _packet_decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DatagramError("bad_rxpk", f"rxpk is not as it should be: {error}") from None
    if packet.stat != 1:
        return None
    payload = _payload(packet.data)
    if not 0 < len(payload) <= MAX_PHY_PAYLOAD:
        raise DatagramError("bad_size", f"data holds {len(payload)} octets")
    if packet.size is not None and packet.size != len(payload):
        raise DatagramError("bad_size", f"size says {packet.size}, data holds {len(payload)} octets")
    if not 10 <= packet.freq <= 3000:
        raise DatagramError("bad_frequency", f"freq {packet.freq} is not in MHz")
    if packet.tmst is None or not 0 <= packet.tmst < 1 << 32:
        raise DatagramError("bad_timestamp", "tmst must be a 32-bit counter")
    rssi, snr = _signal(packet)
    heard_at = _heard_late(packet.tmms, received_at)
    return GatewayUplink(
        base_station,
        payload,
        round(packet.freq * 1_000_000),
        _modulation(packet.modu, packet.datr, packet.codr),
        rssi,
        snr,
        packet.tmst,
        received_at if heard_at is None else heard_at,
        late=heard_at is not None,
        gps_time=_gps_time(packet.tmms, received_at),
    )


def _heard_late(tmms: float | None, received_at: float) -> float | None:
    """When a frame was heard that the base station kept while its backhaul was down, by its GPS clock: Unix
    seconds; None for a frame that comes at once, or from a clock that is not to be believed."""
    if tmms is None:
        return None
    heard_at = gps_to_unix(tmms / 1000)
    return heard_at if _LATE <= received_at - heard_at <= _LATEST else None


def _gps_time(tmms: float | None, received_at: float) -> float | None:
    """GPS seconds, unless the base station's clock is far from ours: then it does not know GPS time."""
    if tmms is None:
        return None
    gps = tmms / 1000
    return gps if abs(gps - unix_to_gps(received_at)) <= _PLAUSIBLE else None


def _signal(packet: ReceivedPacket) -> tuple[float, float]:
    """RSSI and SNR, of the best antenna where there are several. FSK has no SNR: 0."""
    rssi, snr = packet.rssi, packet.lsnr
    if packet.rsig:
        best = max(packet.rsig, key=lambda signal: signal.lsnr if signal.lsnr is not None else -math.inf)
        rssi = best.rssis if best.rssis is not None else best.rssic
        snr = best.lsnr
    if rssi is None or not -200 <= rssi <= 50:
        raise DatagramError("bad_signal", f"rssi {rssi} is not in dBm")
    if snr is not None and not -50 <= snr <= 50:
        raise DatagramError("bad_signal", f"lsnr {snr} is not in dB")
    return rssi, snr if snr is not None else 0.0


def pull_resp(downlink: GatewayDownlink, version: int, token: bytes) -> bytes:
    """The PULL_RESP that makes a base station transmit: at its timestamp, at a GPS time, or at once."""
    window = downlink.window
    txpk: dict[str, Any] = {"imme": window.immediate}
    if window.timestamp is not None:
        txpk["tmst"] = window.timestamp
    elif window.gps_time is not None:
        txpk["tmms"] = round(window.gps_time * 1000)
    txpk |= {
        "freq": round(window.frequency / 1_000_000, 6),
        "rfch": 0,
        "powe": round(window.power - window.antenna_gain),
        "ipol": True,
        "size": len(downlink.phy_payload),
        "data": base64.b64encode(downlink.phy_payload).decode(),
        "ncrc": True,
    }
    if isinstance(window.modulation, Lora):
        txpk |= {"modu": "LORA", "datr": str(window.modulation), "codr": "4/5", "prea": 8}
    elif isinstance(window.modulation, Fsk):
        txpk |= {"modu": "FSK", "datr": window.modulation.bitrate, "fdev": 25_000, "prea": 5}
    else:
        raise ValueError(f"no downlink uses {window.modulation}")
    head = bytes((version,)) + token + bytes((Identifier.PULL_RESP,))
    return head + msgspec.json.encode({"txpk": txpk})
