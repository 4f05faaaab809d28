"""PingSlotInfo: the device announces its ping-slot periodicity (TS001-1.0.4 §14.1)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class PingSlotInfoReq(msgspec.Struct, frozen=True, gc=False):
    """A slot every 0.96 s times 2^`periodicity`."""

    CID: ClassVar[int] = 0x10
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "PingSlotInfoReq"

    periodicity: int

    def payload(self) -> bytes:
        return bytes((self.periodicity,))

    @classmethod
    def from_payload(cls, octets: bytes) -> PingSlotInfoReq:
        return cls(octets[0] & 0x07)


class PingSlotInfoAns(Empty, frozen=True, gc=False):
    CID: ClassVar[int] = 0x10
    NAME: ClassVar[str] = "PingSlotInfoAns"
