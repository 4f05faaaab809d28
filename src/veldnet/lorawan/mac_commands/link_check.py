"""LinkCheck: the device asks how well it is heard (TS001-1.0.4 §5.1)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty


class LinkCheckReq(Empty, frozen=True, gc=False):
    CID: ClassVar[int] = 0x02
    NAME: ClassVar[str] = "LinkCheckReq"


class LinkCheckAns(msgspec.Struct, frozen=True, gc=False):
    """`margin` in dB above the demodulation floor (0 to 254); `gateway_count` of the last LinkCheckReq."""

    CID: ClassVar[int] = 0x02
    SIZE: ClassVar[int] = 2
    NAME: ClassVar[str] = "LinkCheckAns"

    margin: int
    gateway_count: int

    def payload(self) -> bytes:
        return bytes((self.margin, self.gateway_count))

    @classmethod
    def from_payload(cls, octets: bytes) -> LinkCheckAns:
        return cls(octets[0], octets[1])
