"""RejoinParamSetup: how often a device sends rejoin-requests of type 0 by itself (TS001-1.1 §5.14)."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class RejoinParamSetupReq(msgspec.Struct, frozen=True, gc=False):
    """At least every 2^(`max_time_n` + 10) seconds and every 2^(`max_count_n` + 4) uplinks."""

    CID: ClassVar[int] = 0x0F
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "RejoinParamSetupReq"

    max_time_n: int
    max_count_n: int

    def payload(self) -> bytes:
        return bytes((self.max_time_n << 4 | self.max_count_n,))

    @classmethod
    def from_payload(cls, octets: bytes) -> RejoinParamSetupReq:
        return cls(octets[0] >> 4, octets[0] & 0x0F)


class RejoinParamSetupAns(msgspec.Struct, frozen=True, gc=False):
    """Without `time_ok` the device counts uplinks only."""

    CID: ClassVar[int] = 0x0F
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "RejoinParamSetupAns"

    time_ok: bool

    def payload(self) -> bytes:
        return bytes((self.time_ok,))

    @classmethod
    def from_payload(cls, octets: bytes) -> RejoinParamSetupAns:
        return cls(bool(octets[0] & 1))
