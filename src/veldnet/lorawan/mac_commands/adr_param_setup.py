"""ADRParamSetup: how long a device waits for any downlink before it backs off (TS001-1.1 §5.11)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class ADRParamSetupReq(msgspec.Struct, frozen=True, gc=False):
    """ADR_ACK_LIMIT is 2^`limit_exp` uplinks, ADR_ACK_DELAY 2^`delay_exp`."""

    CID: ClassVar[int] = 0x0C
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "ADRParamSetupReq"

    limit_exp: int
    delay_exp: int

    def payload(self) -> bytes:
        return bytes((self.limit_exp << 4 | self.delay_exp,))

    @classmethod
    def from_payload(cls, octets: bytes) -> ADRParamSetupReq:
        return cls(octets[0] >> 4, octets[0] & 0x0F)


class ADRParamSetupAns(Empty, frozen=True, gc=False):
    """The device uses the values."""

    CID: ClassVar[int] = 0x0C
    NAME: ClassVar[str] = "ADRParamSetupAns"
