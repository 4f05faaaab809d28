"""LinkADR: data rate, transmit power, channel mask and repetitions (TS001-1.0.4 §5.2)."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class LinkADRReq(msgspec.Struct, frozen=True, gc=False):
    """`data_rate` and `tx_power` are region indexes; `ch_mask` has bit 0 for channel 0 of the page that
    `ch_mask_cntl` names; `nb_trans` 1 to 15, 0 keeps."""

    CID: ClassVar[int] = 0x03
    SIZE: ClassVar[int] = 4
    NAME: ClassVar[str] = "LinkADRReq"

    data_rate: int
    tx_power: int
    ch_mask: int
    ch_mask_cntl: int
    nb_trans: int

    def payload(self) -> bytes:
        return (
            bytes((self.data_rate << 4 | self.tx_power,))
            + self.ch_mask.to_bytes(2, "little")
            + bytes((self.ch_mask_cntl << 4 | self.nb_trans,))
        )

    @classmethod
    def from_payload(cls, octets: bytes) -> LinkADRReq:
        return cls(
            octets[0] >> 4,
            octets[0] & 0x0F,
            int.from_bytes(octets[1:3], "little"),
            octets[3] >> 4 & 0x07,
            octets[3] & 0x0F,
        )


class LinkADRAns(msgspec.Struct, frozen=True, gc=False):
    """Unless all three are true the device has changed nothing."""

    CID: ClassVar[int] = 0x03
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "LinkADRAns"

    power_ok: bool
    data_rate_ok: bool
    ch_mask_ok: bool

    def payload(self) -> bytes:
        return bytes((self.power_ok << 2 | self.data_rate_ok << 1 | self.ch_mask_ok,))

    @classmethod
    def from_payload(cls, octets: bytes) -> LinkADRAns:
        return cls(bool(octets[0] & 4), bool(octets[0] & 2), bool(octets[0] & 1))
