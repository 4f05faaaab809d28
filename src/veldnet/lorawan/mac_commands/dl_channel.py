"""DlChannel: a downlink frequency of its own for an uplink channel (TS001-1.0.4 §5.6.2)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import frequency_from_wire, frequency_to_wire


class DlChannelReq(msgspec.Struct, frozen=True, gc=False):
    """`frequency` in Hz."""

    CID: ClassVar[int] = 0x0A
    SIZE: ClassVar[int] = 4
    NAME: ClassVar[str] = "DlChannelReq"

    ch_index: int
    frequency: int

    def payload(self) -> bytes:
        return bytes((self.ch_index,)) + frequency_to_wire(self.frequency)

    @classmethod
    def from_payload(cls, octets: bytes) -> DlChannelReq:
        return cls(octets[0], frequency_from_wire(octets[1:4]))


class DlChannelAns(msgspec.Struct, frozen=True, gc=False):
    """Sticky: repeated until a class A downlink arrives."""

    CID: ClassVar[int] = 0x0A
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "DlChannelAns"

    uplink_frequency_exists: bool
    frequency_ok: bool

    def payload(self) -> bytes:
        return bytes((self.uplink_frequency_exists << 1 | self.frequency_ok,))

    @classmethod
    def from_payload(cls, octets: bytes) -> DlChannelAns:
        return cls(bool(octets[0] & 2), bool(octets[0] & 1))
