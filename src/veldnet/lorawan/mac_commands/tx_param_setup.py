"""TxParamSetup: dwell times and maximum EIRP where a region limits them (TS001-1.0.4 §5.8)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from .command import Empty

MAX_EIRP_DBM = (8, 10, 12, 13, 14, 16, 18, 20, 21, 24, 26, 27, 29, 30, 33, 36)


class TxParamSetupReq(msgspec.Struct, frozen=True, gc=False):
    """Dwell flags limit a transmission to 400 ms; `max_eirp` is an index into MAX_EIRP_DBM."""

    CID: ClassVar[int] = 0x09
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "TxParamSetupReq"

    downlink_dwell: bool
    uplink_dwell: bool
    max_eirp: int

    def payload(self) -> bytes:
        return bytes((self.downlink_dwell << 5 | self.uplink_dwell << 4 | self.max_eirp,))

    @classmethod
    def from_payload(cls, octets: bytes) -> TxParamSetupReq:
        return cls(bool(octets[0] & 0x20), bool(octets[0] & 0x10), octets[0] & 0x0F)


class TxParamSetupAns(Empty, frozen=True, gc=False):
    CID: ClassVar[int] = 0x09
    NAME: ClassVar[str] = "TxParamSetupAns"
