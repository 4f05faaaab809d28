"""BeaconFreq: the frequency of the beacon (TS001-1.0.4 §14.4)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import frequency_from_wire, frequency_to_wire


class BeaconFreqReq(msgspec.Struct, frozen=True, gc=False):
    """`frequency` in Hz, 0 for the region's default."""

    CID: ClassVar[int] = 0x13
    SIZE: ClassVar[int] = 3
    NAME: ClassVar[str] = "BeaconFreqReq"

    frequency: int

    def payload(self) -> bytes:
        return frequency_to_wire(self.frequency)

    @classmethod
    def from_payload(cls, octets: bytes) -> BeaconFreqReq:
        return cls(frequency_from_wire(octets[0:3]))


class BeaconFreqAns(msgspec.Struct, frozen=True, gc=False):
    CID: ClassVar[int] = 0x13
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "BeaconFreqAns"

    frequency_ok: bool

    def payload(self) -> bytes:
        return bytes((self.frequency_ok,))

    @classmethod
    def from_payload(cls, octets: bytes) -> BeaconFreqAns:
        return cls(bool(octets[0] & 1))
