"""BeaconTiming: when the next beacon comes (deprecated by DeviceTime in 1.0.3)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class BeaconTimingReq(Empty, frozen=True, gc=False):
    CID: ClassVar[int] = 0x12
    NAME: ClassVar[str] = "BeaconTimingReq"


class BeaconTimingAns(msgspec.Struct, frozen=True, gc=False):
    """`delay` in units of 30 ms."""

    CID: ClassVar[int] = 0x12
    SIZE: ClassVar[int] = 3
    NAME: ClassVar[str] = "BeaconTimingAns"

    delay: int
    channel: int

    def payload(self) -> bytes:
        return self.delay.to_bytes(2, "little") + bytes((self.channel,))

    @classmethod
    def from_payload(cls, octets: bytes) -> BeaconTimingAns:
        return cls(int.from_bytes(octets[0:2], "little"), octets[2])
