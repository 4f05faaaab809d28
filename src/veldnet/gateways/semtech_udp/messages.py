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

from veldnet.gateways.fine_time import fine_time
from veldnet.gateways.remarks import Note
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss, Modulation
from veldnet.lorawan.radio import COUNTER_MODULUS, GatewayDownlink, GatewayUplink
from veldnet.texts import Text

from .lenient import read_push_data, tx_ack_error
from .packets import DatagramError, ReceivedPacket, Signal, Status

MAX_PHY_PAYLOAD = 255


class Identifier(IntEnum):
    PUSH_DATA = 0x00
    PUSH_ACK = 0x01
    PULL_DATA = 0x02
    PULL_RESP = 0x03
    PULL_ACK = 0x04
    TX_ACK = 0x05


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
        raise DatagramError("short_datagram", "{octets} octets are too few", octets=len(datagram))
    if datagram[0] not in (1, 2):
        raise DatagramError("unknown_version", "protocol version {version} is unknown", version=datagram[0])
    if datagram[3] not in _UPWARD:
        raise DatagramError(
            "unknown_identifier",
            "identifier {identifier} is not sent by base stations",
            identifier=datagram[3],
        )
    return Header(datagram[0], datagram[1:3], datagram[3], GatewayEui(int.from_bytes(datagram[4:12], "big")))


class PushData(msgspec.Struct, gc=False):
    rxpk: list[ReceivedPacket] = []
    stat: Status | None = None


class _TxAckBody(msgspec.Struct, gc=False):
    error: str = "NONE"


class _TxAck(msgspec.Struct, gc=False):
    txpk_ack: _TxAckBody = msgspec.field(default_factory=_TxAckBody)


_push_decoder = msgspec.json.Decoder(PushData)
_ack_decoder = msgspec.json.Decoder(_TxAck)
# Nesting that runs away ends as a RecursionError.
_NOT_AS_IT_SHOULD_BE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def parse_push_data(datagram: bytes, odd: Note, refuse: Note) -> PushData:
    """The frames and the status of a PUSH_DATA: at once where it is as it should be, else as far as it can be
    understood (see `lenient`). Raises `DatagramError` where nothing can be."""
    body = memoryview(datagram)[12:]
    try:
        return _push_decoder.decode(body)
    except _NOT_AS_IT_SHOULD_BE:
        return PushData(*read_push_data(body, odd, refuse))


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
        error: str | None = _ack_decoder.decode(body).txpk_ack.error
    except _NOT_AS_IT_SHOULD_BE:
        error = tx_ack_error(body)
    return None if error in ("NONE", "", None) else error


_DATR = re.compile(r"SF([5-9]|1[0-2])BW([1-9]\d{1,3})", re.ASCII)
_LR_FHSS = re.compile(r"M0CW([1-9]\d{1,3})", re.ASCII)
# Bit rates that concentrators receive.
_SLOWEST_FSK, _FASTEST_FSK = 500, 250_000


@lru_cache(maxsize=512)
def _modulation(datr: str | float, codr: str | None) -> Modulation:
    """What a data rate says: each modulation writes its own in another way, so `modu` is not needed."""
    if isinstance(datr, str):
        if found := _DATR.fullmatch(datr):
            return Lora(int(found[1]), int(found[2]))
        if found := _LR_FHSS.fullmatch(datr):
            return LrFhss(int(found[1]), "2/3" if codr == "4/6" else "1/3")
    elif _SLOWEST_FSK <= datr <= _FASTEST_FSK:
        return Fsk(int(datr))
    raise DatagramError("bad_data_rate", "datr {datr} is no data rate", datr=repr(datr)[:40])


def _payload(text: str) -> bytes:
    """Base64 as forwarders write it: standard or URL-safe alphabet, with or without padding."""
    try:
        return base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise DatagramError("bad_base64", "data is not base64") from None


_URL_SAFE = str.maketrans("-_", "+/")


def uplink_of(
    packet: ReceivedPacket,
    base_station: BaseStationId,
    received_at: float,
    clock: StationClock,
    odd: Note,
) -> GatewayUplink | None:
    """A `GatewayUplink` of an rxpk; None for a frame whose CRC failed, or that had none. `clock` is what is
    known of the base station's; `odd` hears what is wrong without being needed. Raises `DatagramError`."""
    if packet.stat in (0, -1):
        return None
    payload = _payload(packet.data)
    if not 0 < len(payload) <= MAX_PHY_PAYLOAD:
        raise DatagramError("bad_size", "data holds {octets} octets", octets=len(payload))
    if not 10 <= packet.freq <= 3000:
        raise DatagramError("bad_frequency", "freq {freq:g} is not in MHz", freq=packet.freq)
    if packet.size is not None and packet.size != len(payload):
        # The MIC decides whether the frame is whole.
        words = Text("size says {size}, data holds {octets} octets", size=packet.size, octets=len(payload))
        odd("wrong_size", words)
    timestamp = _timestamp(packet.tmst, odd)
    rssi, snr = _signal(packet, odd)
    modulation = _modulation(packet.datr, packet.codr)
    if snr is None and not isinstance(modulation, Lora):
        # Only LoRa has an SNR.
        snr = 0.0
    # Zero is what a base station writes that does not know GPS time.
    heard = None if not packet.tmms else clock.judge(packet.tmms / 1000, timestamp, received_at)
    nanoseconds = _nanoseconds(packet)
    if heard is None:
        if nanoseconds is not None:
            fine_time(None, nanoseconds, odd)
        return GatewayUplink(
            base_station,
            payload,
            round(packet.freq * 1_000_000),
            modulation,
            rssi,
            snr,
            timestamp,
            received_at,
        )
    return GatewayUplink(
        base_station,
        payload,
        round(packet.freq * 1_000_000),
        modulation,
        rssi,
        snr,
        timestamp,
        received_at if heard.kept_at is None else heard.kept_at,
        late=heard.kept_at is not None,
        gps_time=heard.gps_time,
        clock_error=heard.error,
        fine_time=None
        if nanoseconds is None or heard.kept_at is not None
        else fine_time(heard.gps_time, nanoseconds, odd),
    )


def _nanoseconds(packet: ReceivedPacket) -> float | None:
    """The fine time stamp; of the antenna that heard best, where there are several with one."""
    if packet.rsig:
        signals = [signal for signal in packet.rsig if signal.ftime is not None]
        if signals:
            return max(signals, key=_heard_at).ftime
    return packet.ftime


def _heard_at(signal: Signal) -> float:
    return signal.lsnr if signal.lsnr is not None else -math.inf


def _timestamp(tmst: int | None, odd: Note) -> int | None:
    """The counter that downlinks are timed by. Some forwarders print more than its 32 bits, or a sign."""
    if tmst is None:
        odd("no_timestamp", Text("tmst is missing or not a counter: no downlink can be timed by it"))
    elif not 0 <= tmst < COUNTER_MODULUS:
        odd("wide_timestamp", Text("tmst {tmst} is beyond 32 bits", tmst=tmst))
        return tmst % COUNTER_MODULUS
    return tmst


def _signal(packet: ReceivedPacket, odd: Note) -> tuple[float | None, float | None]:
    """RSSI and SNR, of the best antenna where there are several; None where it is not known."""
    rssi, snr = packet.rssi, packet.lsnr
    if packet.rsig:
        best = max(packet.rsig, key=_heard_at)
        rssi = best.rssis if best.rssis is not None else best.rssic
        snr = best.lsnr
    if rssi is None or not -200 <= rssi <= 50:
        odd("no_signal", Text("rssi is missing or not in dBm"))
        rssi = None
    if snr is not None and not -50 <= snr <= 50:
        odd("no_signal", Text("lsnr {lsnr:g} is not in dB", lsnr=snr))
        snr = None
    return rssi, snr


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
        "size": len(downlink.phy_payload),
        "data": base64.b64encode(downlink.phy_payload).decode(),
    }
    if isinstance(window.modulation, Lora):
        # Downlinks in LoRa have inverted polarity and no CRC (TS001-1.0.4 §3); FSK has a CRC both ways.
        txpk |= {
            "modu": "LORA",
            "datr": str(window.modulation),
            "codr": "4/5",
            "prea": 8,
            "ipol": True,
            "ncrc": True,
        }
    elif isinstance(window.modulation, Fsk):
        txpk |= {"modu": "FSK", "datr": window.modulation.bitrate, "fdev": 25_000, "prea": 5}
    else:
        raise ValueError(f"no downlink uses {window.modulation}")
    head = bytes((version,)) + token + bytes((Identifier.PULL_RESP,))
    return head + msgspec.json.encode({"txpk": txpk})
