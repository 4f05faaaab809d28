"""PingSlotChannel: frequency and data rate of ping slots (TS001-1.0.4 §14.3)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import frequency_from_wire, frequency_to_wire


class PingSlotChannelReq(msgspec.Struct, frozen=True, gc=False):
    """`frequency` in Hz, 0 for the region's default."""

    CID: ClassVar[int] = 0x11
    SIZE: ClassVar[int] = 4
    NAME: ClassVar[str] = "PingSlotChannelReq"

    frequency: int
    data_rate: int

    def payload(self) -> bytes:
        return frequency_to_wire(self.frequency) + bytes((self.data_rate,))

    @classmethod
    def from_payload(cls, octets: bytes) -> PingSlotChannelReq:
        return cls(frequency_from_wire(octets[0:3]), octets[3] & 0x0F)


class PingSlotChannelAns(msgspec.Struct, frozen=True, gc=False):
    CID: ClassVar[int] = 0x11
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "PingSlotChannelAns"

    data_rate_ok: bool
    frequency_ok: bool

    def payload(self) -> bytes:
        return bytes((self.data_rate_ok << 1 | self.frequency_ok,))

    @classmethod
    def from_payload(cls, octets: bytes) -> PingSlotChannelAns:
        return cls(bool(octets[0] & 2), bool(octets[0] & 1))
