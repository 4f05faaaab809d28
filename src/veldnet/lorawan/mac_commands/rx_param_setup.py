"""RXParamSetup: receive window parameters (TS001-1.0.4 §5.4)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import frequency_from_wire, frequency_to_wire


class RXParamSetupReq(msgspec.Struct, frozen=True, gc=False):
    """`frequency` of RX2 in Hz."""

    CID: ClassVar[int] = 0x05
    SIZE: ClassVar[int] = 4
    NAME: ClassVar[str] = "RXParamSetupReq"

    rx1_dr_offset: int
    rx2_data_rate: int
    frequency: int

    def payload(self) -> bytes:
        return bytes((self.rx1_dr_offset << 4 | self.rx2_data_rate,)) + frequency_to_wire(self.frequency)

    @classmethod
    def from_payload(cls, octets: bytes) -> RXParamSetupReq:
        return cls(octets[0] >> 4 & 0x07, octets[0] & 0x0F, frequency_from_wire(octets[1:4]))


class RXParamSetupAns(msgspec.Struct, frozen=True, gc=False):
    """Sticky: repeated until a class A downlink arrives. Unless all are true nothing has changed."""

    CID: ClassVar[int] = 0x05
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "RXParamSetupAns"

    rx1_dr_offset_ok: bool
    rx2_data_rate_ok: bool
    channel_ok: bool

    def payload(self) -> bytes:
        return bytes((self.rx1_dr_offset_ok << 2 | self.rx2_data_rate_ok << 1 | self.channel_ok,))

    @classmethod
    def from_payload(cls, octets: bytes) -> RXParamSetupAns:
        return cls(bool(octets[0] & 4), bool(octets[0] & 2), bool(octets[0] & 1))
