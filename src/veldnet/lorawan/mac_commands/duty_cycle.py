"""DutyCycle: a limit on the device's aggregated transmit time (TS001-1.0.4 §5.3)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class DutyCycleReq(msgspec.Struct, frozen=True, gc=False):
    """The limit is 1 / 2^`max_duty_cycle`; 0 is no limit but the region's."""

    CID: ClassVar[int] = 0x04
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "DutyCycleReq"

    max_duty_cycle: int

    def payload(self) -> bytes:
        return bytes((self.max_duty_cycle,))

    @classmethod
    def from_payload(cls, octets: bytes) -> DutyCycleReq:
        return cls(octets[0] & 0x0F)


class DutyCycleAns(Empty, frozen=True, gc=False):
    CID: ClassVar[int] = 0x04
    NAME: ClassVar[str] = "DutyCycleAns"
