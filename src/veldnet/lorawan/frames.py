"""PHYPayload: parse and serialise every frame type (TS001-1.0.4 §4, TS001-1.1 §4).

Nothing here knows keys: encrypted parts stay encrypted, message integrity codes stay unchecked.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import msgspec

from .identifiers import DevAddr, DevEui, JoinEui, NetId


class MType(IntEnum):
    """Frame type, bits 7:5 of the MHDR (FType from 1.0.4 on)."""

    JOIN_REQUEST = 0
    JOIN_ACCEPT = 1
    UNCONFIRMED_UP = 2
    UNCONFIRMED_DOWN = 3
    CONFIRMED_UP = 4
    CONFIRMED_DOWN = 5
    REJOIN_REQUEST = 6
    PROPRIETARY = 7


class FrameError(ValueError):
    """The octets are not a LoRaWAN frame; `code` is a stable word for counters and records."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class JoinRequest(msgspec.Struct, frozen=True, gc=False):
    """Join-request, 23 octets (TS001-1.0.4 §6.2.2)."""

    join_eui: JoinEui
    dev_eui: DevEui
    dev_nonce: int
    mic: bytes

    def unsigned(self) -> bytes:
        """The octets under the MIC."""
        return (
            b"\x00" + self.join_eui.to_wire() + self.dev_eui.to_wire() + self.dev_nonce.to_bytes(2, "little")
        )

    def to_bytes(self) -> bytes:
        return self.unsigned() + self.mic


class RejoinRequest(msgspec.Struct, frozen=True, gc=False):
    """Rejoin-request of type 0, 1 or 2 (TS001-1.1 §6.2.4)."""

    rejoin_type: int
    net_id: NetId | None
    join_eui: JoinEui | None
    dev_eui: DevEui
    rj_count: int
    mic: bytes

    def unsigned(self) -> bytes:
        """The octets under the MIC."""
        origin = self.net_id if self.net_id is not None else self.join_eui
        assert origin is not None
        return (
            bytes((0xC0, self.rejoin_type))
            + origin.to_wire()
            + self.dev_eui.to_wire()
            + self.rj_count.to_bytes(2, "little")
        )

    def to_bytes(self) -> bytes:
        return self.unsigned() + self.mic


class EncryptedJoinAccept(msgspec.Struct, frozen=True, gc=False):
    """Join-accept as it travels: 16 or 32 octets that only the root key opens."""

    ciphertext: bytes

    def to_bytes(self) -> bytes:
        return b"\x20" + self.ciphertext


class Proprietary(msgspec.Struct, frozen=True, gc=False):
    """A frame whose content is known to its makers only."""

    body: bytes

    def to_bytes(self) -> bytes:
        return b"\xe0" + self.body


ADR = 0x80
ADR_ACK_REQ = 0x40
ACK = 0x20
CLASS_B = 0x10
FPENDING = 0x10


class DataFrame(msgspec.Struct, frozen=True, gc=False):
    """Data frame in either direction. `fcnt` holds the 16 bits on air; `fopts` and `frm_payload` as sent."""

    mtype: MType
    dev_addr: DevAddr
    fctrl: int
    fcnt: int
    fopts: bytes
    fport: int | None
    frm_payload: bytes
    mic: bytes

    @property
    def uplink(self) -> bool:
        return self.mtype in (MType.UNCONFIRMED_UP, MType.CONFIRMED_UP)

    @property
    def confirmed(self) -> bool:
        return self.mtype in (MType.CONFIRMED_UP, MType.CONFIRMED_DOWN)

    @property
    def adr(self) -> bool:
        return bool(self.fctrl & ADR)

    @property
    def adr_ack_req(self) -> bool:
        return bool(self.fctrl & ADR_ACK_REQ)

    @property
    def ack(self) -> bool:
        return bool(self.fctrl & ACK)

    @property
    def class_b(self) -> bool:
        return bool(self.fctrl & CLASS_B)

    @property
    def fpending(self) -> bool:
        return bool(self.fctrl & FPENDING)

    def unsigned(self) -> bytes:
        """The octets under the MIC."""
        return data_frame_octets(
            self.mtype, Fhdr(self.dev_addr, self.fctrl, self.fcnt, self.fopts), self.fport, self.frm_payload
        )

    def to_bytes(self) -> bytes:
        return self.unsigned() + self.mic


class Fhdr(NamedTuple):
    """FHDR of a data frame. `fctrl` holds the flags; the length of FOpts is filled in."""

    dev_addr: DevAddr
    fctrl: int
    fcnt: int
    fopts: bytes = b""


def data_frame_octets(
    mtype: MType, header: Fhdr, fport: int | None = None, frm_payload: bytes = b""
) -> bytes:
    """MHDR, FHDR, FPort and FRMPayload."""
    dev_addr, fctrl, fcnt, fopts = header
    if len(fopts) > 15:
        raise FrameError("fopts_too_long", f"FOpts holds at most 15 octets, not {len(fopts)}")
    if fport is None and frm_payload:
        raise FrameError("payload_without_port", "an FRMPayload needs an FPort")
    head = bytes((mtype << 5,)) + dev_addr.to_wire()
    head += bytes(((fctrl & 0xF0) | len(fopts),)) + (fcnt & 0xFFFF).to_bytes(2, "little") + fopts
    return head if fport is None else head + bytes((fport,)) + frm_payload


Frame = JoinRequest | EncryptedJoinAccept | DataFrame | RejoinRequest | Proprietary

_DATA_TYPES = {
    int(t): t
    for t in (MType.UNCONFIRMED_UP, MType.UNCONFIRMED_DOWN, MType.CONFIRMED_UP, MType.CONFIRMED_DOWN)
}


def parse(phy_payload: bytes) -> Frame:
    """Read a PHYPayload.

    Raises `FrameError` for octets that TS001 tells a receiver to drop: too short, too long for their
    type, an unknown major version, or FOpts together with FPort 0.
    """
    if len(phy_payload) < 5:
        raise FrameError("too_short", f"{len(phy_payload)} octets are too few for a PHYPayload")
    mhdr = phy_payload[0]
    if mhdr & 0x03:
        raise FrameError("unknown_major", f"major version {mhdr & 0x03} is not LoRaWAN R1")
    kind = mhdr >> 5
    mtype = _DATA_TYPES.get(kind)
    if mtype is not None:
        return _parse_data(mtype, phy_payload)
    if kind == MType.JOIN_REQUEST:
        return _parse_join_request(phy_payload)
    if kind == MType.JOIN_ACCEPT:
        if len(phy_payload) not in (17, 33):
            raise FrameError("bad_length", f"a join-accept has 17 or 33 octets, not {len(phy_payload)}")
        return EncryptedJoinAccept(phy_payload[1:])
    if kind == MType.REJOIN_REQUEST:
        return _parse_rejoin_request(phy_payload)
    return Proprietary(phy_payload[1:])


def _parse_data(mtype: MType, phy: bytes) -> DataFrame:
    if len(phy) < 12:
        raise FrameError("too_short", f"a data frame has at least 12 octets, not {len(phy)}")
    fctrl = phy[5]
    end_of_fhdr = 8 + (fctrl & 0x0F)
    end = len(phy) - 4
    if end_of_fhdr > end:
        raise FrameError("bad_length", "FOptsLen reaches beyond the frame")
    fport = phy[end_of_fhdr] if end_of_fhdr < end else None
    if fport == 0 and end_of_fhdr > 8 and end_of_fhdr + 1 < end:
        raise FrameError("fopts_with_port_0", "FOpts and MAC commands on FPort 0 exclude each other")
    return DataFrame(
        mtype,
        DevAddr.from_wire(phy[1:5]),
        fctrl,
        phy[6] | phy[7] << 8,
        phy[8:end_of_fhdr],
        fport,
        phy[end_of_fhdr + 1 : end],
        phy[end:],
    )


def _parse_join_request(phy: bytes) -> JoinRequest:
    if len(phy) != 23:
        raise FrameError("bad_length", f"a join-request has 23 octets, not {len(phy)}")
    return JoinRequest(
        JoinEui.from_wire(phy[1:9]),
        DevEui.from_wire(phy[9:17]),
        int.from_bytes(phy[17:19], "little"),
        phy[19:],
    )


def _parse_rejoin_request(phy: bytes) -> RejoinRequest:
    kind = phy[1]
    expected = {0: 19, 1: 24, 2: 19}.get(kind)
    if expected is None:
        raise FrameError("unknown_rejoin_type", f"rejoin type {kind} does not exist")
    if len(phy) != expected:
        raise FrameError(
            "bad_length", f"a rejoin-request of type {kind} has {expected} octets, not {len(phy)}"
        )
    origin_end = 10 if kind == 1 else 5
    return RejoinRequest(
        kind,
        None if kind == 1 else NetId.from_wire(phy[2:origin_end]),
        JoinEui.from_wire(phy[2:origin_end]) if kind == 1 else None,
        DevEui.from_wire(phy[origin_end : origin_end + 8]),
        int.from_bytes(phy[origin_end + 8 : origin_end + 10], "little"),
        phy[-4:],
    )
