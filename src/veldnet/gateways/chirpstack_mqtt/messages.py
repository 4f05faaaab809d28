"""Messages as they are on the wire: protocol buffers, or the same as JSON (`gateway.proto`).

The library reads and writes both; what arrives is bounded before it is read.
"""

from __future__ import annotations

import binascii
import struct
from typing import NamedTuple, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from veldnet.gateways.remarks import BadMessage
from veldnet.lorawan.modulation import Fsk, Lora
from veldnet.lorawan.radio import GatewayDownlink, TransmitWindow

from . import gateway_pb2 as pb

# A frame of 255 octets with its metadata needs about 700; with much metadata a few thousand.
LONGEST_MESSAGE = 32_768
_DEPTH = 16
# What base stations give as context are 4 or 16 octets.
LONGEST_CONTEXT = 64

M = TypeVar("M", bound=Message)


class MessageError(BadMessage):
    """A message that cannot be understood."""


def is_json(payload: bytes) -> bool:
    """No message in protocol buffers begins with this octet: it would open field 15 as a group."""
    return payload[:1] == b"{"


def decode(kind: type[M], payload: bytes) -> M:
    """Raises `MessageError`."""
    if len(payload) > LONGEST_MESSAGE:
        raise MessageError(
            "too_long", "{octets} octets are more than {most}", octets=len(payload), most=LONGEST_MESSAGE
        )
    if is_json(payload):
        return _from_json(kind, payload)
    message: M = kind()
    try:
        message.ParseFromString(payload)
    except (DecodeError, ValueError, RecursionError) as error:
        raise MessageError("bad_protobuf", "no protocol buffers: {error}", error=str(error)[:200]) from None
    return message


# What the library lets through of JSON with the wrong types, besides its own error.
_NOT_AS_IT_SHOULD_BE = (
    json_format.Error,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    ArithmeticError,
    RecursionError,
    binascii.Error,
)


def _from_json(kind: type[M], payload: bytes) -> M:
    message: M = kind()
    try:
        json_format.Parse(payload, message, ignore_unknown_fields=True, max_recursion_depth=_DEPTH)
    except _NOT_AS_IT_SHOULD_BE as error:
        raise MessageError("bad_json", "the JSON cannot be read: {error}", error=str(error)[:200]) from None
    return message


def encode(message: Message, *, as_json: bool) -> bytes:
    """In the form that the base station itself writes."""
    octets: bytes
    if as_json:
        octets = json_format.MessageToJson(message, indent=None).encode()
    else:
        octets = message.SerializeToString()
    return octets


class Context(NamedTuple):
    """What a downlink in answer must know of its uplink: the session of the base station that it came in, the
    time that its delay counts from, board and antenna, and the base station's own context."""

    session: int
    timestamp: int
    board: int
    antenna: int
    opaque: bytes

    def packed(self) -> bytes:
        return _CONTEXT.pack(_MARK, self.session, self.timestamp, self.board, self.antenna) + self.opaque


_CONTEXT = struct.Struct(">2sQIII")
_MARK = b"MQ"


def unpack_context(octets: bytes) -> Context | None:
    """None for what another protocol has written."""
    if len(octets) <= _CONTEXT.size or octets[:2] != _MARK:
        return None
    _mark, session, timestamp, board, antenna = _CONTEXT.unpack_from(octets)
    return Context(session, timestamp, board, antenna, octets[_CONTEXT.size :])


_COUNTER = 0xFFFFFFFF
_MICROSECONDS = 1_000_000


def downlink_frame(
    sent: GatewayDownlink, gateway_id: str, downlink_id: int, context: Context | None
) -> pb.DownlinkFrame:
    """The command for a frame; the items are its windows: after the uplink that `context` is of, at a GPS
    time, or at once. A base station tries the second one after it could not use the first."""
    frame = pb.DownlinkFrame(downlink_id=downlink_id, gateway_id=gateway_id)
    for window in (sent.window, sent.second):
        if window is not None:
            item = frame.items.add(phy_payload=sent.phy_payload)
            _write(item.tx_info, window, context)
    return frame


def _write(info: pb.DownlinkTxInfo, window: TransmitWindow, context: Context | None) -> None:
    info.frequency = window.frequency
    # The base station takes its antenna's gain off itself; one that is negative wraps in some forwarders.
    info.power = max(round(window.power), 0)
    _modulate(info.modulation, window)
    if context is not None:
        info.board, info.antenna = context.board, context.antenna
    if window.timestamp is not None and context is not None:
        ahead = (window.timestamp - context.timestamp) & _COUNTER
        delay = info.timing.delay.delay
        delay.seconds, delay.nanos = ahead // _MICROSECONDS, ahead % _MICROSECONDS * 1000
        info.context = context.opaque
    elif window.gps_time is not None:
        at = round(window.gps_time * _MICROSECONDS)
        since = info.timing.gps_epoch.time_since_gps_epoch
        since.seconds, since.nanos = at // _MICROSECONDS, at % _MICROSECONDS * 1000
    else:
        info.timing.immediately.SetInParent()


def _modulate(modulation: pb.Modulation, window: TransmitWindow) -> None:
    wanted = window.modulation
    if isinstance(wanted, Lora):
        # Downlinks have inverted polarity (TS001-1.0.4 §3).
        lora = modulation.lora
        lora.bandwidth, lora.spreading_factor = wanted.bandwidth * 1000, wanted.sf
        lora.code_rate, lora.polarization_inversion = pb.CR_4_5, True
    elif isinstance(wanted, Fsk):
        modulation.fsk.frequency_deviation, modulation.fsk.datarate = 25_000, wanted.bitrate
    else:
        raise ValueError(f"no downlink uses {wanted}")


class Outcome(NamedTuple):
    """What became of a downlink: None where it was taken, and whether in its second window; else why not in
    its first."""

    error: str | None
    second: bool = False


def outcome_of(ack: pb.DownlinkTxAck) -> Outcome:
    """What an acknowledgement says."""
    statuses = [item.status for item in ack.items]
    if pb.OK in statuses:
        return Outcome(None, statuses.index(pb.OK) == 1)
    refused = next((status for status in statuses if status != pb.IGNORED), pb.INTERNAL_ERROR)
    return Outcome(_STATUSES.get(refused, "INTERNAL_ERROR"))


_STATUSES = {number: name for name, number in pb.TxAckStatus.items()}
