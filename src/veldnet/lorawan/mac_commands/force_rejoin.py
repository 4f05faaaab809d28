"""ForceRejoin: the network asks for a rejoin-request; that request is the answer (TS001-1.1 §5.13)."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class ForceRejoinReq(msgspec.Struct, frozen=True, gc=False):
    """`rejoin_type` 0 (1 means the same) or 2, sent at `data_rate`, up to `max_retries` times more, each
    32 s * 2^`period` and a random time after the one before."""

    CID: ClassVar[int] = 0x0E
    SIZE: ClassVar[int] = 2
    NAME: ClassVar[str] = "ForceRejoinReq"

    period: int
    max_retries: int
    rejoin_type: int
    data_rate: int

    def payload(self) -> bytes:
        value = self.period << 11 | self.max_retries << 8 | self.rejoin_type << 4 | self.data_rate
        return value.to_bytes(2, "little")

    @classmethod
    def from_payload(cls, octets: bytes) -> ForceRejoinReq:
        value = int.from_bytes(octets[:2], "little")
        return cls(value >> 11 & 0x07, value >> 8 & 0x07, value >> 4 & 0x07, value & 0x0F)
