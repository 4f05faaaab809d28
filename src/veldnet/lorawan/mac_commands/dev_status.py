"""DevStatus: battery and radio status of the device (TS001-1.0.4 §5.5)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class DevStatusReq(Empty, frozen=True, gc=False):
    CID: ClassVar[int] = 0x06
    NAME: ClassVar[str] = "DevStatusReq"


class DevStatusAns(msgspec.Struct, frozen=True, gc=False):
    """`battery` 0 external power, 1 to 254 level, 255 unknown; `margin` in dB, -32 to 31."""

    CID: ClassVar[int] = 0x06
    SIZE: ClassVar[int] = 2
    NAME: ClassVar[str] = "DevStatusAns"

    battery: int
    margin: int

    def payload(self) -> bytes:
        return bytes((self.battery, self.margin & 0x3F))

    @classmethod
    def from_payload(cls, octets: bytes) -> DevStatusAns:
        margin = octets[1] & 0x3F
        return cls(octets[0], margin - 64 if margin > 31 else margin)
