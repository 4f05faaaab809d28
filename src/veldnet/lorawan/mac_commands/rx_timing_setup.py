"""RXTimingSetup: the delay of the first receive window (TS001-1.0.4 §5.7)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class RXTimingSetupReq(msgspec.Struct, frozen=True, gc=False):
    """`delay` in seconds, 1 to 15; 0 on air means 1."""

    CID: ClassVar[int] = 0x08
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "RXTimingSetupReq"

    delay: int

    def payload(self) -> bytes:
        return bytes((self.delay,))

    @classmethod
    def from_payload(cls, octets: bytes) -> RXTimingSetupReq:
        return cls((octets[0] & 0x0F) or 1)


class RXTimingSetupAns(Empty, frozen=True, gc=False):
    """Sticky: repeated until a class A downlink arrives."""

    CID: ClassVar[int] = 0x08
    NAME: ClassVar[str] = "RXTimingSetupAns"
