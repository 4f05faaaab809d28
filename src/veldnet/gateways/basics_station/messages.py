"""Messages of Basics Station's LNS protocol: JSON texts with a `msgtype` (lora-developers.semtech.com, LNS).

Members that are not needed are not read; numbers of 64 bits are kept whole.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from veldnet.gateways.remarks import BadMessage
from veldnet.lorawan.modulation import Lora, Modulation
from veldnet.lorawan.radio import GatewayDownlink

from .router_ids import dashed

# Station accepts no longer frame, and sends none.
MAX_PHY_PAYLOAD = 255
_COUNTER = (1 << 32) - 1
_MICROSECOND = 1_000_000


class MessageError(BadMessage):
    """A message that cannot be understood."""


class UplinkInfo(msgspec.Struct, gc=False):
    """How a frame was heard. `xtime` are the station's microseconds at the end of the frame, with its session
    in the upper bits; `gpstime` in microseconds, 0 where it is not known; `fts` the nanoseconds of the
    GPS second, negative where they are not known."""

    xtime: int
    rctx: int = 0
    gpstime: int = 0
    rssi: float | None = None
    snr: float | None = None
    fts: float | None = None


class Discovery(msgspec.Struct):
    """The question on `/router-info`: where does this router find its LNS?"""

    router: int | str


class _Message(msgspec.Struct, tag_field="msgtype", gc=False):
    pass


class Version(_Message, tag="version"):
    """The first message of a station."""

    station: str | None = None
    firmware: str | None = None
    package: str | None = None
    model: str | None = None
    protocol: int | None = None
    features: str | None = None


class _Radio(_Message, kw_only=True):
    upinfo: UplinkInfo
    DR: int
    Freq: int


class JoinRequest(_Radio, tag="jreq", kw_only=True):
    MHdr: int
    JoinEui: str
    DevEui: str
    DevNonce: int
    MIC: int

    def phy_payload(self) -> bytes:
        """The frame as it was on air."""
        euis = _eui(self.JoinEui)[::-1] + _eui(self.DevEui)[::-1]
        return _octet(self.MHdr) + euis + _word(self.DevNonce) + _signed(self.MIC)


class DataFrame(_Radio, tag="updf", kw_only=True):
    MHdr: int
    DevAddr: int
    FCtrl: int
    FCnt: int
    FOpts: str
    FPort: int
    FRMPayload: str
    MIC: int

    def head(self) -> bytes:
        """MHDR, DevAddr and FCtrl, by which frames are dropped unread."""
        return _octet(self.MHdr) + _signed(self.DevAddr) + _octet(self.FCtrl)

    def phy_payload(self) -> bytes:
        """The frame as it was on air."""
        port = b"" if self.FPort < 0 else _octet(self.FPort)
        return (
            self.head()
            + _word(self.FCnt)
            + _hex(self.FOpts)
            + port
            + _hex(self.FRMPayload)
            + _signed(self.MIC)
        )


class Proprietary(_Radio, tag="propdf", kw_only=True):
    FRMPayload: str

    def phy_payload(self) -> bytes:
        """The frame as it was on air."""
        return _hex(self.FRMPayload)


class Transmitted(_Message, tag="dntxed"):
    """The downlink `diid` is on air, with a data rate and a frequency."""

    diid: int
    DR: int | None = None
    Freq: int | None = None


class TimeSync(_Message, tag="timesync"):
    """A station asks for GPS time; `txtime` are its microseconds."""

    txtime: int = 0


class ShellStatus(msgspec.Struct, gc=False):
    """A remote shell of a station."""

    started: bool = False


class RemoteShells(_Message, tag="rmtsh"):
    """Which shells are open, by number."""

    rmtsh: list[ShellStatus] = []


RadioMessage = JoinRequest | DataFrame | Proprietary
Message = Version | JoinRequest | DataFrame | Proprietary | Transmitted | TimeSync | RemoteShells

_DISCOVERY = msgspec.json.Decoder(Discovery)
# Station says integers in some builds where others say floats, so both are taken.
_MESSAGE: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message, strict=False)


def parse_discovery(text: str | bytes) -> Discovery:
    """Raises `MessageError`."""
    try:
        return _DISCOVERY.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MessageError("bad_json", "discovery: {error}", error=str(error)) from None


def parse(text: str | bytes) -> Message:
    """Raises `MessageError`."""
    try:
        return _MESSAGE.decode(text)
    except msgspec.ValidationError as error:
        code = "unknown_message" if "$.msgtype" in str(error) else "bad_json"
        raise MessageError(code, "the message cannot be read: {error}", error=str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MessageError("bad_json", "the message cannot be read: {error}", error=str(error)) from None


def encode(message: dict[str, Any]) -> str:
    """A message as text, which is what stations read."""
    return msgspec.json.encode(message).decode()


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a downlink in answer must know of its uplink: antenna, time, and the connection it came by."""

    rctx: int
    xtime: int
    connection: int

    def packed(self) -> bytes:
        return _CONTEXT.pack(self.rctx, self.xtime, self.connection)


_CONTEXT = struct.Struct(">qqQ")


def unpack_context(octets: bytes) -> Context | None:
    """None for what another protocol has written."""
    return Context(*_CONTEXT.unpack(octets)) if len(octets) == _CONTEXT.size else None


# Where the wanted time of a class A downlink is `xtime` and a delay; Station takes one second for the least.
_DELAY = 1


def downlink(
    sent: GatewayDownlink,
    diid: int,
    data_rate: int,
    context: Context | None,
    second_rate: int | None = None,
) -> dict[str, Any]:
    """The `dnmsg` for a frame: at the station's own time, at a GPS time, or at once.

    A window is named as if it were RX1, and one a second later as RX2: the station uses that where it cannot
    use the first. `second_rate` is the data rate of that.
    """
    window = sent.window
    message: dict[str, Any] = {
        "msgtype": "dnmsg",
        # Station tells nothing of a downlink without a device.
        "DevEui": dashed(1),
        "diid": diid,
        "pdu": sent.phy_payload.hex(),
        "priority": 25,
    }
    if window.timestamp is not None and context is not None:
        ahead = (window.timestamp - context.xtime) & _COUNTER
        message |= {
            "dC": 0,
            "RxDelay": _DELAY,
            "RX1DR": data_rate,
            "RX1Freq": window.frequency,
            "xtime": context.xtime + ahead - _DELAY * _MICROSECOND,
            "rctx": context.rctx,
        }
        if sent.second is not None and second_rate is not None:
            message |= {"RX2DR": second_rate, "RX2Freq": sent.second.frequency}
    elif window.gps_time is not None:
        message |= {
            "dC": 1,
            "DR": data_rate,
            "Freq": window.frequency,
            "gpstime": round(window.gps_time * _MICROSECOND),
        }
    else:
        message |= {"dC": 2, "RX2DR": data_rate, "RX2Freq": window.frequency}
    if context is not None and "rctx" not in message:
        message["rctx"] = context.rctx
    return message


def data_rate_of(rates: tuple[Modulation | None, ...], modulation: Modulation) -> int | None:
    """The index of a modulation in a station's table; downlink rates stand behind those for uplinks."""
    wide = isinstance(modulation, Lora) and modulation.bandwidth == 500
    indexes = range(len(rates) - 1, -1, -1) if wide else range(len(rates))
    return next((index for index in indexes if rates[index] == modulation), None)


def _octet(value: int) -> bytes:
    if not 0 <= value < 256:
        raise MessageError("bad_value", "{value} is no octet", value=value)
    return value.to_bytes(1, "little")


def _word(value: int) -> bytes:
    if not 0 <= value < 1 << 16:
        raise MessageError("bad_value", "{value} has more than 16 bits", value=value)
    return value.to_bytes(2, "little")


def _signed(value: int) -> bytes:
    """DevAddr and MIC are printed with a sign; some builds print them without."""
    if not -(1 << 31) <= value < 1 << 32:
        raise MessageError("bad_value", "{value} has more than 32 bits", value=value)
    return (value & 0xFFFFFFFF).to_bytes(4, "little")


def _hex(text: str) -> bytes:
    if len(text) > 2 * MAX_PHY_PAYLOAD:
        raise MessageError(
            "bad_size", "{digits} hexadecimal digits are more than a frame has", digits=len(text)
        )
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MessageError("bad_hex", "{text!r} is not hexadecimal", text=text[:40]) from None


def _eui(text: str) -> bytes:
    octets = _hex(text.replace("-", "").replace(":", ""))
    if len(octets) != 8:
        raise MessageError("bad_value", "{text!r} is no EUI", text=text[:40])
    return octets
