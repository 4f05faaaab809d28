"""DeviceTime: GPS time at the end of the uplink that asked (TS001-1.0.4 §5.9)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class DeviceTimeReq(Empty, frozen=True, gc=False):
    CID: ClassVar[int] = 0x0D
    NAME: ClassVar[str] = "DeviceTimeReq"


class DeviceTimeAns(msgspec.Struct, frozen=True, gc=False):
    """`seconds` since the GPS epoch, `fraction` in 1/256 s."""

    CID: ClassVar[int] = 0x0D
    SIZE: ClassVar[int] = 5
    NAME: ClassVar[str] = "DeviceTimeAns"

    seconds: int
    fraction: int

    def payload(self) -> bytes:
        return self.seconds.to_bytes(4, "little") + bytes((self.fraction,))

    @classmethod
    def from_payload(cls, octets: bytes) -> DeviceTimeAns:
        return cls(int.from_bytes(octets[0:4], "little"), octets[4])
